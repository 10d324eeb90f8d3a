//! Tests of the host's public interface, with policies that are real modules built in memory.

mod calls;
mod directory;
mod faults;
mod loading;
mod long_calls;
mod module;
mod services;
mod v0_2;
mod world;

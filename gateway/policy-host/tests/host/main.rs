//! The host as its users see it, with policies that are real modules made in memory.

mod calls;
mod directory;
mod faults;
mod loading;
mod module;
mod services;
mod v0_2;
mod world;

//! Tests of the codec.

mod arbitrary;
mod frames;
mod roundtrip;
mod startup;

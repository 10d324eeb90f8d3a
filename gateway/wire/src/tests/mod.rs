mod arbitrary;
mod frames;
mod roundtrip;
mod startup;

//! How types of other crates are written in CBOR.

/// UUIDs as 16 bytes.
pub(crate) mod id {
    use minicbor::bytes::ByteArray;
    use minicbor::decode::{self, Decode, Decoder};
    use minicbor::encode::{self, Encoder, Write};
    use uuid::Uuid;

    pub fn encode<C, W: Write, T: Copy + Into<Uuid>>(
        id: &T,
        encoder: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        let uuid: Uuid = (*id).into();
        encoder.bytes(uuid.as_bytes())?.ok()
    }

    pub fn decode<'b, C, T: From<Uuid>>(
        decoder: &mut Decoder<'b>,
        context: &mut C,
    ) -> Result<T, decode::Error> {
        let bytes: ByteArray<16> = Decode::decode(decoder, context)?;
        Ok(T::from(Uuid::from_bytes(bytes.into())))
    }
}

/// Lists of UUIDs.
pub(crate) mod ids {
    use minicbor::decode::{self, Decoder};
    use minicbor::encode::{self, Encoder, Write};
    use uuid::Uuid;

    pub fn encode<C, W: Write, T: Copy + Into<Uuid>>(
        ids: &[T],
        encoder: &mut Encoder<W>,
        context: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        encoder.array(ids.len() as u64)?;
        for id in ids {
            super::id::encode(id, encoder, context)?;
        }
        Ok(())
    }

    pub fn decode<'b, C, T: From<Uuid>>(
        decoder: &mut Decoder<'b>,
        context: &mut C,
    ) -> Result<Vec<T>, decode::Error> {
        let count = decoder
            .array()?
            .ok_or_else(|| decode::Error::message("an array without a length"))?;
        (0..count)
            .map(|_| super::id::decode(decoder, context))
            .collect()
    }
}

/// How an execution ended.
pub(crate) mod outcome {
    use gatewright_contract::Outcome;
    use minicbor::decode::{self, Decoder};
    use minicbor::encode::{self, Encoder, Write};

    pub fn encode<C, W: Write>(
        outcome: &Outcome,
        encoder: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        let number = match outcome {
            Outcome::Completed => 0,
            Outcome::Suspended => 1,
            Outcome::Failed => 2,
            Outcome::Skipped => 3,
            Outcome::Lost => 4,
        };
        encoder.u8(number)?.ok()
    }

    pub fn decode<C>(decoder: &mut Decoder<'_>, _: &mut C) -> Result<Outcome, decode::Error> {
        match decoder.u8()? {
            0 => Ok(Outcome::Completed),
            1 => Ok(Outcome::Suspended),
            2 => Ok(Outcome::Failed),
            3 => Ok(Outcome::Skipped),
            4 => Ok(Outcome::Lost),
            _ => Err(decode::Error::message("an unknown outcome")),
        }
    }
}

/// Hashes as 32 bytes.
pub(crate) mod hash {
    use minicbor::bytes::ByteArray;
    use minicbor::decode::{self, Decode, Decoder};
    use minicbor::encode::{self, Encoder, Write};

    use crate::segment::Hash;

    pub fn encode<C, W: Write>(
        hash: &Hash,
        encoder: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        encoder.bytes(&hash.0)?.ok()
    }

    pub fn decode<C>(decoder: &mut Decoder<'_>, context: &mut C) -> Result<Hash, decode::Error> {
        let bytes: ByteArray<32> = Decode::decode(decoder, context)?;
        Ok(Hash(bytes.into()))
    }
}

/// Hashes of texts, which there may be none of.
pub(crate) mod optional_hash {
    use minicbor::bytes::ByteArray;
    use minicbor::decode::{self, Decode, Decoder};
    use minicbor::encode::{self, Encode, Encoder, Write};

    pub fn encode<C, W: Write>(
        hash: &Option<[u8; 32]>,
        encoder: &mut Encoder<W>,
        context: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        hash.map(ByteArray::from).encode(encoder, context)
    }

    pub fn decode<C>(
        decoder: &mut Decoder<'_>,
        context: &mut C,
    ) -> Result<Option<[u8; 32]>, decode::Error> {
        let hash: Option<ByteArray<32>> = Decode::decode(decoder, context)?;
        Ok(hash.map(Into::into))
    }
}

//! Columns of the index, packed: 14 octets a message for UID, flags and modseq, 11 for size and date.

use mailstore_api::{InternalDate, ModSeq};

/// A modseq in 48 bits: a change every microsecond for nine years.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct PackedModSeq([u16; 3]);

impl PackedModSeq {
    pub(super) const LEN: usize = 6;

    pub(super) fn to_bytes(self) -> [u8; Self::LEN] {
        let [a, b, c, d, e, f, _, _] = self.get().to_le_bytes();
        [a, b, c, d, e, f]
    }

    pub(super) fn from_bytes([a, b, c, d, e, f]: [u8; Self::LEN]) -> Self {
        Self([u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]), u16::from_le_bytes([e, f])])
    }

    pub(super) fn new(modseq: u64) -> Self {
        let [a, b, c, d, e, f, _, _] = modseq.min((1 << 48) - 1).to_le_bytes();
        Self::from_bytes([a, b, c, d, e, f])
    }

    pub(super) fn get(self) -> u64 {
        let [low, middle, high] = self.0;
        u64::from(low) | u64::from(middle) << 16 | u64::from(high) << 32
    }

    pub(super) fn modseq(self) -> ModSeq {
        ModSeq(self.get())
    }
}

/// Size in 32 bits, seconds in 40 (17,000 years either way), minutes of zone in 16.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct SizeAndDate([u8; 11]);

impl SizeAndDate {
    pub(super) const LEN: usize = 11;

    pub(super) const fn to_bytes(self) -> [u8; Self::LEN] {
        self.0
    }

    pub(super) const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    const MAX_SECONDS: i64 = (1 << 39) - 1;

    pub(super) fn new(size: u64, date: InternalDate) -> Self {
        let [s0, s1, s2, s3] = u32::try_from(size).unwrap_or(u32::MAX).to_le_bytes();
        let [d0, d1, d2, d3, d4, _, _, _] =
            date.seconds.clamp(-Self::MAX_SECONDS, Self::MAX_SECONDS).to_le_bytes();
        let [z0, z1] = date.zone_minutes.to_le_bytes();
        Self([s0, s1, s2, s3, d0, d1, d2, d3, d4, z0, z1])
    }

    pub(super) fn size(self) -> u32 {
        let [a, b, c, d, ..] = self.0;
        u32::from_le_bytes([a, b, c, d])
    }

    pub(super) fn date(self) -> InternalDate {
        let [.., a, b, c, d, e, z0, z1] = self.0;
        // The shift down brings the sign along.
        let seconds = i64::from_le_bytes([0, 0, 0, a, b, c, d, e]) >> 24;
        InternalDate { seconds, zone_minutes: i16::from_le_bytes([z0, z1]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_out_again() {
        for modseq in [0, 1, 65_535, 65_536, (1 << 40) + 7, (1 << 48) - 1] {
            assert_eq!(PackedModSeq::new(modseq).get(), modseq);
        }
        for seconds in [0, -1, 1, 1_800_000_000, -62_000_000_000, 253_402_300_799] {
            for zone_minutes in [0, -720, 840, 5_999, -5_999] {
                let date = InternalDate { seconds, zone_minutes };
                let packed = SizeAndDate::new(4_000_000_000, date);
                assert_eq!((packed.size(), packed.date()), (4_000_000_000, date));
            }
        }
        assert_eq!(size_of::<PackedModSeq>() + size_of::<SizeAndDate>() + 8, 25);
    }
}

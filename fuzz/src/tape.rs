/// An input taken apart: one octet of choice, one that says how many cuts there are (0 to 15), the cuts, and all else.
#[derive(Clone, Copy, Debug)]
pub struct Tape<'a> {
    /// Chooses where a target begins.
    pub start: u8,
    cuts: &'a [u8],
    /// What is fed.
    pub wire: &'a [u8],
}

impl<'a> Tape<'a> {
    /// `None` where the input is too short.
    #[must_use]
    pub fn new(input: &'a [u8]) -> Option<Self> {
        let (&[start, cuts], rest) = input.split_first_chunk::<2>()?;
        let (cuts, wire) = rest.split_at_checked(usize::from(cuts % 16))?;
        Some(Self { start, cuts, wire })
    }

    /// The wire after `prefix`, in the pieces that the cuts say: in turn again and again, a cut of 0 being a piece of 256.
    pub fn pieces(&self, whole: usize) -> impl Iterator<Item = usize> + '_ {
        let mut left = whole;
        let mut cuts = self.cuts.iter().cycle();
        std::iter::from_fn(move || {
            let cut = match cuts.next() {
                Some(0) => 256,
                Some(n) => usize::from(*n),
                None => left,
            };
            let piece = cut.min(left);
            left -= piece;
            (piece > 0).then_some(piece)
        })
    }

    /// Chooses one of these.
    #[must_use]
    pub fn choose<T: Copy>(&self, of: &[T]) -> T {
        of[usize::from(self.start) % of.len()]
    }
}

use alloc::vec::Vec;

/// Gives every string over `letters` of up to `longest` octets to `start`, cut in every way there is, and each string with the state
/// after it to `check`. Returns how many strings there were.
///
/// `step` gives a piece to a state. What a state is after a string must not depend on how the string was cut, and this is what is
/// tested: the state after a string is made from that after each of its prefixes, by one piece with the rest, and all of them
/// must be equal. Thereby every split is held against every other: a string's last piece begins after some prefix, and the state
/// there is the same for all splits of the prefix. What takes `2^(n-1)` runs for a string of `n` octets takes `n` steps.
///
/// # Panics
/// When two splits lead to different states.
pub fn every_split<S: Clone + PartialEq>(
    start: S,
    letters: &[u8],
    longest: usize,
    mut step: impl FnMut(&mut S, &[u8]),
    mut check: impl FnMut(&[u8], &S),
) -> usize {
    let mut strings = 0;
    // The present string, by its letters, and the states after each of its prefixes.
    let (mut text, mut places, mut states) = (Vec::new(), Vec::new(), alloc::vec![start]);
    loop {
        if let Some(state) = states.last() {
            check(&text, state);
            strings += 1;
        }
        // The next string is one longer, or the last letter that can be is replaced.
        let mut place = 0;
        while text.len() == longest || place == letters.len() {
            let Some(last) = places.pop() else { return strings };
            text.pop();
            states.pop();
            place = last + 1;
        }
        let Some(letter) = letters.get(place) else { return strings };
        text.push(*letter);
        places.push(place);
        let mut after = None;
        for (prefix, before) in states.iter().enumerate() {
            let mut state = before.clone();
            step(&mut state, text.get(prefix..).unwrap_or(&[]));
            let same = after.get_or_insert_with(|| state.clone()) == &state;
            assert!(same, "{} is another if cut at {prefix}", text.escape_ascii());
        }
        states.extend(after);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_string_comes_once_and_in_each_of_its_splits() {
        let (mut steps, mut seen) = (0, alloc::collections::BTreeSet::new());
        let strings = every_split(
            Vec::new(),
            b"ab",
            3,
            |state, piece| {
                steps += 1;
                state.extend_from_slice(piece);
            },
            |text, state| {
                assert_eq!(text, state);
                assert!(seen.insert(text.to_vec()));
            },
        );
        assert_eq!((strings, seen.len(), steps), (15, 15, 2 + 2 * 4 + 3 * 8));
    }

    #[test]
    #[should_panic = "is another if cut at 1"]
    fn what_depends_on_a_split_is_found() {
        every_split(0, b"a", 2, |pieces, _| *pieces += 1, |_, _| ());
    }
}

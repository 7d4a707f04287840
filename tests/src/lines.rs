//! The difference of two texts, line by line.

/// The lines that only `before` has, marked `-`, and those that only `after` has, marked `+`; `…` stands between changes that are apart.
pub fn difference(before: &str, after: &str) -> String {
    let (before, after): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let common = common_lengths(&before, &after);
    let (mut output, mut old, mut new, mut is_apart) = (String::new(), 0, 0, false);
    while old < before.len() || new < after.len() {
        if old < before.len() && new < after.len() && before[old] == after[new] {
            (old, new) = (old + 1, new + 1);
            is_apart = !output.is_empty();
            continue;
        }
        if std::mem::take(&mut is_apart) {
            output.push_str("…\n");
        }
        let is_gone = new == after.len() || (old < before.len() && common[old + 1][new] >= common[old][new + 1]);
        let (sign, line) = if is_gone { ("- ", before[old]) } else { ("+ ", after[new]) };
        output.extend([sign, line, "\n"]);
        if is_gone { old += 1 } else { new += 1 }
    }
    output
}

/// How many lines the rest of `before` and the rest of `after` have in common, at most, for each two rests.
fn common_lengths(before: &[&str], after: &[&str]) -> Vec<Vec<usize>> {
    let mut common = vec![vec![0; after.len() + 1]; before.len() + 1];
    for old in (0..before.len()).rev() {
        for new in (0..after.len()).rev() {
            let without_one = common[old + 1][new].max(common[old][new + 1]);
            common[old][new] = if before[old] == after[new] { common[old + 1][new + 1] + 1 } else { without_one };
        }
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_shown() {
        assert_eq!(difference("a\nb\nc\nd\n", "a\nB\nc\nd\ne\n"), "- b\n+ B\n…\n+ e\n");
        assert_eq!(difference("a\nb\n", "a\nb\n"), "");
        assert_eq!(difference("", "a\n"), "+ a\n");
    }
}

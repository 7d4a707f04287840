//! Counts what was read rightly, weighs what was not against the known limits, and says all of it at the end.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;

use crate::limits::Limit;
use crate::programs::Answer;

/// How many mistakes of a parser in one field are shown.
const SHOWN: usize = 3;
/// How many characters of a long text are shown.
const WIDTH: usize = 300;

/// What came of all cases.
pub(crate) struct Verdict {
    pub(crate) versions: BTreeMap<String, String>,
    limits: &'static [Limit],
    /// For each limit, how many cases it excuses, and how many it need not have excused.
    excused: Vec<(usize, usize)>,
    /// For each parser, the cases that were read rightly, and all.
    counts: BTreeMap<&'static str, (usize, usize)>,
    /// What is wrong, by parser and field.
    mistakes: BTreeMap<(&'static str, String), Vec<String>>,
    lines: String,
}

impl Verdict {
    /// With these limits known.
    pub(crate) fn of(limits: &'static [Limit]) -> Self {
        Self {
            versions: BTreeMap::new(),
            limits,
            excused: vec![(0, 0); limits.len()],
            counts: BTreeMap::new(),
            mistakes: BTreeMap::new(),
            lines: String::new(),
        }
    }

    /// Counts a case.
    pub(crate) fn count(&mut self, parser: &'static str, is_right: bool) {
        let (right, all) = self.counts.entry(parser).or_default();
        *right += usize::from(is_right);
        *all += 1;
    }

    /// Judges the answer that the others of its place are compared with.
    pub(crate) fn judge_ordinary(&mut self, parser: &'static str, place: &str, text: &str, mistake: Option<String>) {
        self.count(parser, mistake.is_none());
        if let Some(mistake) = mistake {
            self.note(parser, "ordinary", format!("{parser}, {place}: an ordinary connection\n  in   {text:?}\n  {mistake}"));
        }
    }

    /// Judges one answer.
    pub(crate) fn judge(
        &mut self,
        parser: &'static str,
        place: &str,
        (field, value): (&str, &str),
        text: &str,
        expected: &BTreeMap<String, String>,
        answer: &Answer,
    ) {
        let is_right = answer.as_ref() == Ok(expected);
        self.count(parser, is_right);
        let known = self.limits.iter().position(|limit| limit.parser == parser && limit.field == field && (limit.values)(value));
        match known {
            Some(index) if is_right => self.excused[index].1 += 1,
            Some(index) => self.excused[index].0 += 1,
            None if is_right => {}
            None => {
                let [value, text, read] = [format!("{value:?}"), format!("{text:?}"), difference(expected, answer)].map(|text| shortened(&text));
                self.note(parser, field, format!("{parser}, {place}: {field} was {value}\n  in   {text}\n  read {read}"));
            }
        }
    }

    fn note(&mut self, parser: &'static str, field: &str, mistake: String) {
        self.mistakes.entry((parser, field.to_owned())).or_default().push(mistake);
    }

    /// Adds a line to what is said at the end.
    pub(crate) fn say(&mut self, line: &str) {
        writeln!(self.lines, "{line}").unwrap();
    }

    /// Says how each parser did, and fails if any case, any parser without a case, or any limit without a reason calls for it.
    pub(crate) fn end(mut self, parsers: impl Iterator<Item = &'static str>) {
        let mut text = String::from("\n");
        for (parser, (right, all)) in &self.counts {
            let version = self.versions.get(*parser).map_or("?", String::as_str);
            writeln!(text, "{parser} {version}: {right} of {all} read").unwrap();
        }
        for parser in parsers.filter(|parser| self.counts.get(parser).is_none_or(|(right, _)| *right == 0)).collect::<Vec<_>>() {
            self.note(parser, "cases", format!("{parser} read nothing"));
        }
        text += &self.known();
        text += &self.lines;
        for mistakes in self.mistakes.values() {
            mistakes.iter().take(SHOWN).for_each(|mistake| writeln!(text, "{mistake}").unwrap());
            if mistakes.len() > SHOWN {
                writeln!(text, "  and {} more like these", mistakes.len() - SHOWN).unwrap();
            }
        }
        // Past the test's capture, so that the counts are seen when all is well.
        std::io::stderr().write_all(text.as_bytes()).unwrap();
        assert!(self.mistakes.is_empty(), "{} mistakes, see above", self.mistakes.values().map(Vec::len).sum::<usize>());
    }

    /// Says which limits were needed, and notes those that were not.
    fn known(&mut self) -> String {
        let mut text = String::new();
        for (limit, (needed, needless)) in self.limits.iter().zip(self.excused.clone()) {
            let Limit { parser, version, field, why, .. } = limit;
            writeln!(text, "known: {parser} {version}, {field}, {needed} cases: {why}").unwrap();
            if needed == 0 || needless > 0 {
                self.note(
                    parser,
                    "limit",
                    format!("{parser}, {field} ({why}): {needless} of {} cases are read rightly; mend the entry", needed + needless),
                );
            }
            if self.versions.get(*parser).is_some_and(|found| found != version) {
                self.note(
                    parser,
                    "limit",
                    format!("{parser}, {field} ({why}): seen with {version}, now it is {}; look again", self.versions[*parser]),
                );
            }
        }
        text
    }
}

/// What was read, as far as it should have been something else.
fn difference(expected: &BTreeMap<String, String>, answer: &Answer) -> String {
    match answer {
        Err(error) => format!("nothing: {error}"),
        Ok(read) => {
            let names = expected.keys().chain(read.keys()).filter(|name| expected.get(*name) != read.get(*name));
            format!("{:?}", names.map(|name| (name, read.get(name))).collect::<BTreeMap<_, _>>())
        }
    }
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= WIDTH { text.to_owned() } else { text.chars().take(WIDTH).chain("…".chars()).collect() }
}

//! The inventory: what runs have made or set out to make, so that the objects of a connection that is taken out are known.
//!
//! It is kept in pages, each a text with a line an object, as in `shop/secrets/sc-orders-secret Delete`. An object never moves to another
//! page, so that a run which ends between the writing of two pages loses none.

use std::fmt::Write as _;

use super::{Ledger, Line, State, Wanted};
use crate::object::ObjectId;
use crate::values::DeletionPolicy;

/// The largest page in bytes; a ConfigMap holds 1 MiB.
pub const LARGEST_PAGE: usize = 900_000;

/// What the inventory says of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    page: u16,
    pub(super) policy: DeletionPolicy,
}

impl Ledger {
    /// Adds a page as it was kept. A line that names no object of ours is passed over: only a hand can have written it.
    pub fn add_page(&mut self, text: &str) {
        let page = self.add_empty_page();
        for (id, policy) in text.lines().filter_map(parse_line) {
            self.pages[usize::from(page)] += length(&id);
            self.line(&id).record = Some(Record { page, policy });
        }
    }

    /// How many pages there are.
    #[must_use]
    pub fn pages(&self) -> usize {
        self.pages.len()
    }

    /// A page as it is to be kept.
    #[must_use]
    pub fn page(&self, number: usize) -> String {
        let mut text = String::with_capacity(self.pages.get(number).copied().unwrap_or_default());
        for (id, line) in &self.lines {
            if let Some(Record { policy, .. }) = line.record.filter(|record| usize::from(record.page) == number) {
                // Writing to a text cannot fail.
                let _ = writeln!(text, "{}/{}/{} {}", id.namespace, id.kind.plural(), id.name, policy.name());
            }
        }
        text
    }

    /// Notes in the inventory all that should be there, with its policy.
    pub fn record_expected(&mut self) {
        let mut lines = std::mem::take(&mut self.lines);
        for (id, line) in &mut lines {
            let Wanted::There { policy, .. } = line.wanted() else { continue };
            let page = line.record.map_or_else(|| self.page_with_room(length(id)), |record| record.page);
            line.record = Some(Record { page, policy });
        }
        self.lines = lines;
    }

    /// Takes out of the inventory what is a stranger's; and when all was applied, what is neither wanted nor left to a later run.
    /// Returns whether that was anything.
    pub fn forget(&mut self, is_applied: bool) -> bool {
        let mut is_changed = false;
        for (id, line) in &mut self.lines {
            let is_wanted = |line: &Line| matches!(line.wanted(), Wanted::There { .. }) || line.state.get() == State::Left;
            let goes = line.state.get() == State::Strangers || is_applied && !is_wanted(line);
            if let Some(record) = line.record.take_if(|_| goes) {
                self.pages[usize::from(record.page)] -= length(id);
                is_changed = true;
            }
        }
        is_changed
    }

    fn page_with_room(&mut self, size: usize) -> u16 {
        let found = self.pages.iter().position(|used| used + size <= LARGEST_PAGE).and_then(|number| u16::try_from(number).ok());
        let page = found.unwrap_or_else(|| self.add_empty_page());
        self.pages[usize::from(page)] += size;
        page
    }

    fn add_empty_page(&mut self) -> u16 {
        self.pages.push(0);
        u16::try_from(self.pages.len() - 1).unwrap_or(u16::MAX)
    }
}

/// The bytes of an object's line; `Retain` and `Delete` are of one length.
fn length(id: &ObjectId) -> usize {
    id.namespace.as_str().len() + id.kind.plural().len() + id.name.len() + "// Retain\n".len()
}

fn parse_line(line: &str) -> Option<(ObjectId, DeletionPolicy)> {
    let (path, name) = line.split_once(' ')?;
    let policy = DeletionPolicy::ALL.into_iter().find(|(word, _)| *word == name)?.1;
    Some((ObjectId::parse(path)?, policy))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = "media/secretproviderclasses/sc-vault-secretprovider Retain\n\
        shop/serviceaccounts/sc-account-11111111-2222-3333-4444-555555555555 Retain\n\
        shop/secrets/sc-orders-secret Delete\n\
        shop/secrets/sc-orders-binding Delete\n";

    fn ledger(text: &str) -> Ledger {
        let mut ledger = Ledger::default();
        ledger.add_page(text);
        ledger
    }

    fn want(ledger: &mut Ledger, id: &ObjectId, policy: DeletionPolicy) {
        ledger.line(id).wanted = Wanted::There { policy, document: 0, adopt: false };
    }

    #[test]
    fn a_page_is_read_as_it_was_written() {
        let ledger = ledger(LINES);
        assert_eq!((ledger.pages(), ledger.page(0).as_str()), (1, LINES));
    }

    #[test]
    fn a_line_that_names_no_object_of_ours_is_passed_over() {
        for line in [
            "",
            "shop/secrets/sc-orders-secret",
            "shop/secrets/sc-orders-secret Destroy",
            "shop/secrets/database-password Delete",
            "shop/secrets/sc-Orders-secret Delete",
            "shop/secrets/sc--secret Delete",
            "shop/serviceaccounts/default Delete",
            "shop/pods/sc-orders-secret Delete",
            "../secrets/sc-orders-secret Delete",
            "a/b/secrets/sc-orders-secret Delete",
        ] {
            assert_eq!(ledger(line).recorded().count(), 0, "{line}");
        }
    }

    #[test]
    fn an_object_stays_on_its_page() {
        let mut ledger = Ledger::default();
        let id = |number: usize| ObjectId::parse(&format!("shop/secrets/sc-x{number}-secret")).unwrap();
        let count = LARGEST_PAGE / length(&id(1000)) + 1500;
        (0..count).for_each(|number| want(&mut ledger, &id(number), DeletionPolicy::Retain));
        ledger.record_expected();
        let before = [ledger.page(0), ledger.page(1)];
        assert_eq!(ledger.pages(), 2);
        assert!(before[0].len() <= LARGEST_PAGE && before[0].len() > LARGEST_PAGE - 40, "{}", before[0].len());
        assert_eq!(ledger.pages, before.each_ref().map(String::len));

        ledger.line(&id(0)).wanted = Wanted::Nothing;
        ledger.forget(true);
        want(&mut ledger, &id(1), DeletionPolicy::Delete);
        want(&mut ledger, &id(count), DeletionPolicy::Retain);
        ledger.record_expected();
        let after = [ledger.page(0), ledger.page(1)];
        assert_eq!(after[1], before[1], "nothing moved");
        assert!(after[0].contains("sc-x1-secret Delete") && !after[0].contains("sc-x0-secret") && after[0].contains(&format!("sc-x{count}-secret")));
    }
}

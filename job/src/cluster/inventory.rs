//! The ConfigMaps `sc-inventory-0`, `sc-inventory-1` …: the pages of the inventory.
//!
//! The first says how many there are. Pages are written from the last to the first, so that none is counted before it is there.

use sc_core::ledger::Ledger;

use super::config_map::ConfigMap;
use super::{Cluster, Failure};

/// The version of the pages' format.
const FORMAT: &str = "1";
const OBJECTS: &str = "objects";

/// The ConfigMaps that hold the inventory. What stands in them is in the [`Ledger`] alone.
#[derive(Debug)]
pub struct StoredInventory {
    namespace: String,
    pages: Vec<ConfigMap>,
}

impl StoredInventory {
    /// Reads all pages into the ledger. Nothing if they have a format of the future, which this version leaves alone.
    ///
    /// # Errors
    /// What the API server has against it.
    pub async fn read(cluster: &Cluster, namespace: &str, ledger: &mut Ledger) -> Result<Option<Self>, Failure> {
        let mut pages = vec![page(cluster, namespace, 0).await?];
        let (format, count) = (pages[0].text("formatVersion"), pages[0].text("pages").parse().unwrap_or(1));
        if !["", FORMAT].contains(&format) {
            tracing::warn!(format, "the inventory is of a newer version: nothing is noted in it, and nothing is deleted by it");
            return Ok(None);
        }
        ledger.add_page(&pages[0].take(OBJECTS));
        for number in 1..count {
            let mut page = page(cluster, namespace, number).await?;
            ledger.add_page(&page.take(OBJECTS));
            pages.push(page);
        }
        Ok(Some(Self { namespace: namespace.to_owned(), pages }))
    }

    /// Writes what differs.
    ///
    /// # Errors
    /// What the API server has against it.
    pub async fn write(&mut self, cluster: &Cluster, ledger: &Ledger) -> Result<(), Failure> {
        for number in self.pages.len()..ledger.pages() {
            self.pages.push(page(cluster, &self.namespace, number).await?);
        }
        let count = self.pages.len().to_string();
        for (number, page) in self.pages.iter_mut().enumerate().rev() {
            let data = [("formatVersion", FORMAT.to_owned()), (OBJECTS, ledger.page(number)), ("pages", count.clone())];
            page.write(cluster, &data).await?;
            page.take(OBJECTS);
        }
        Ok(())
    }
}

async fn page(cluster: &Cluster, namespace: &str, number: usize) -> Result<ConfigMap, Failure> {
    ConfigMap::read(cluster, namespace, &format!("sc-inventory-{number}")).await
}

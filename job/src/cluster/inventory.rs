//! The ConfigMaps `sc-inventory-0`, `sc-inventory-1` …: the pages of the inventory.
//!
//! The first says how many there are. Pages are written from the last to the first, so that none is counted before it is there.

use sc_core::inventory::Inventory;

use super::config_map::ConfigMap;
use super::{Cluster, Failure};

/// The version of the pages' format.
const FORMAT: &str = "1";

/// The inventory with the ConfigMaps that hold it.
#[derive(Debug)]
pub struct StoredInventory {
    /// What is known; kept by [`StoredInventory::write`].
    pub inventory: Inventory,
    namespace: String,
    pages: Vec<ConfigMap>,
}

impl StoredInventory {
    /// Reads all pages. Nothing if they have a format of the future, which this version leaves alone.
    ///
    /// # Errors
    /// What the API server has against it.
    pub async fn read(cluster: &Cluster, namespace: &str) -> Result<Option<Self>, Failure> {
        let mut pages = vec![page(cluster, namespace, 0).await?];
        let (format, count) = (pages[0].text("formatVersion"), pages[0].text("pages").parse().unwrap_or(1));
        if !["", FORMAT].contains(&format) {
            tracing::warn!(format, "the inventory is of a newer version: nothing is noted in it, and nothing is deleted by it");
            return Ok(None);
        }
        for number in 1..count {
            pages.push(page(cluster, namespace, number).await?);
        }
        let mut inventory = Inventory::default();
        for page in &pages {
            inventory.add_page(page.text("objects"));
        }
        Ok(Some(Self { inventory, namespace: namespace.to_owned(), pages }))
    }

    /// Writes what differs.
    ///
    /// # Errors
    /// What the API server has against it.
    pub async fn write(&mut self, cluster: &Cluster) -> Result<(), Failure> {
        let texts = self.inventory.pages();
        for number in self.pages.len()..texts.len() {
            self.pages.push(page(cluster, &self.namespace, number).await?);
        }
        let count = texts.len().to_string();
        for (page, text) in self.pages.iter_mut().zip(texts).rev() {
            page.write(cluster, &[("formatVersion", FORMAT.to_owned()), ("objects", text), ("pages", count.clone())]).await?;
        }
        Ok(())
    }
}

async fn page(cluster: &Cluster, namespace: &str, number: usize) -> Result<ConfigMap, Failure> {
    ConfigMap::read(cluster, namespace, &format!("sc-inventory-{number}")).await
}

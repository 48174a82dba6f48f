//! What a browser is told to forget at a logout.

/// A kind of data that a browser keeps for a site.
///
/// Source: W3C Clear Site Data, section 3.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ClearSiteData {
    /// Cached responses: the back button shows nothing from before the logout.
    Cache,
    /// All cookies of the registered domain, subdomains included: also those of other apps there.
    Cookies,
    /// `localStorage`, `IndexedDB`, service workers and the like.
    Storage,
}

impl ClearSiteData {
    /// The value of the header `Clear-Site-Data`; none for nothing.
    pub(super) fn header(kinds: impl IntoIterator<Item = Self>) -> Option<Box<str>> {
        let quoted: Vec<&str> = kinds
            .into_iter()
            .map(|kind| match kind {
                Self::Cache => "\"cache\"",
                Self::Cookies => "\"cookies\"",
                Self::Storage => "\"storage\"",
            })
            .collect();
        (!quoted.is_empty()).then(|| quoted.join(", ").into())
    }
}

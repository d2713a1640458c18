use mercato_kernel::{Key, Page, PageRequest};

use crate::application::Error;
use crate::application::ports::Ports;
use crate::domain::{CodeName, DiscountCode};

/// The list and its order, in cursors.
const SCOPE: &str = "discount-codes:code";

/// A discount code.
///
/// # Errors
/// [`Error::CodeNotFound`], or a fault of the database.
pub fn find<C>(ports: &Ports<C>, name: &CodeName) -> Result<DiscountCode, Error> {
    let found = ports.store.read(|records| records.code(name))?;
    found.ok_or(Error::CodeNotFound)
}

/// A page of all discount codes, by their names.
///
/// # Errors
/// [`Error::Invalid`] for a page that cannot be, or a fault of the database.
pub fn list<C>(ports: &Ports<C>, request: &PageRequest) -> Result<Page<DiscountCode>, Error> {
    let keys = |keys: &[Key]| match keys {
        [Key::Text(name)] => Some(name.clone()),
        _ => None,
    };
    let start = request.start(SCOPE, keys);
    let (number, start) = start.map_err(|error| Error::Invalid(vec![error]))?;
    let (codes, total) = ports.store.read(|records| {
        let codes = records.codes(&start, request.rows_to_read())?;
        Ok((codes, records.count_codes()?))
    })?;
    let keys = |last: &DiscountCode| vec![last.name.as_str().into()];
    Ok(request.page(number, codes, total, SCOPE, keys))
}

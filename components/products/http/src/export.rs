#[cfg(not(target_family = "wasm"))]
use mercato_edge::Description;
use mercato_edge::{
    Answer, BodySender, Context, Guard, PAGE_LIMIT_MAX, PageRequest, Principal, Problem, Query,
    Reply, StreamedBody, TokenGuard, accepts, endpoint, header, query,
};
use mercato_kernel::{Named as _, named};
use products::application::ports::{Ports, Store as _};
use products::application::queries::list_products;
use products::domain::listing::{Filter, Sort, SortKey};
use products::domain::presentation::Status;
use strum::{IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use crate::price_list::ExportFormat;
#[cfg(not(target_family = "wasm"))]
use crate::price_list::ExportRow;
use crate::problems::{problem, store_problem};

/// How the catalogue is to be exported.
#[query]
#[derive(Debug)]
pub struct ExportQuery {
    /// What the rows are written in. Without it `ndjson`, unless `Accept` names `text/csv`.
    #[param(value_type = FileFormat, inline, required = false)]
    format: Option<FileFormat>,
    /// Only products of these statuses, separated by commas; without it those that are published. All three together are the
    /// whole catalogue.
    #[param(value_type = Vec<Status>, required = false, style = Form, explode = false, min_items = 1, max_items = 3)]
    status: Option<Vec<Status>>,
}

/// What an export is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, VariantArray, IntoStaticStr, ToSchema)]
#[strum(serialize_all = "camelCase")]
#[schema(rename_all = "camelCase")]
enum FileFormat {
    /// One JSON object on each line.
    Ndjson,
    /// RFC 4180, the first row naming the columns.
    Csv,
}

named!(FileFormat);

/// A file with the products of some statuses.
#[derive(Debug)]
pub struct Export {
    format: ExportFormat,
    body: StreamedBody,
}

impl Answer for Export {
    const STATUS: u16 = 200;

    fn into_reply(self) -> Result<Reply, Problem> {
        let disposition = format!(
            "attachment; filename=\"products.{}\"",
            self.format.extension()
        );
        let reply = Reply::streamed(self.format.media_type(), self.body);
        let value = header::HeaderValue::from_str(&disposition).map_err(|_| Problem::internal())?;
        Ok(reply.with_header(header::CONTENT_DISPOSITION, value))
    }

    #[cfg(not(target_family = "wasm"))]
    fn describe(description: &mut Description, status: u16, meaning: &str) {
        description.content::<ExportRow>(status, meaning, "application/x-ndjson");
        description.text(status, "text/csv");
    }
}

/// Export the catalogue
///
/// All products that are published, or of the statuses that are asked for, as rows of a price list: what `POST /products/import` reads;
/// those of one status stand together, the oldest first. Importing the file changes nothing, as long as nobody changes the products
/// meanwhile. The first row of a product is about the product; one with options has a row for each variant after it, and further pictures
/// have rows of their own.
///
/// The file is made while it is sent, of any length. When it cannot be completed, the answer breaks off; it ends so, too, when the
/// access token ends or is revoked meanwhile.
#[endpoint(
    GET "/api/v1/products/export", access = Admin, tag = "Catalogue", id = "exportProducts",
    returns = "A price list with the products of these statuses",
)]
pub async fn export(
    context: Context,
    admin: Principal,
    Query(query): Query<ExportQuery>,
) -> Result<Export, Problem> {
    let format = match query.format {
        Some(FileFormat::Csv) => ExportFormat::Csv,
        None if accepts(&context, "text/csv") => ExportFormat::Csv,
        _ => ExportFormat::Ndjson,
    };
    let statuses = statuses(query.status);
    let body = StreamedBody::of(|sender| async move {
        let still_admin = async || TokenGuard.check_session(&admin).await;
        send(
            &*products::instance(),
            format,
            &statuses,
            &sender,
            still_admin,
        )
        .await
    });
    Ok(Export { format, body })
}

/// The statuses that are asked for, each once.
fn statuses(wanted: Option<Vec<Status>>) -> Vec<Status> {
    let wanted = wanted.unwrap_or_else(|| vec![Status::Published]);
    let all = Status::ALL.iter().copied();
    all.filter(|status| wanted.contains(status)).collect()
}

/// Sends all products of these statuses, page by page, as long as whoever asked for them may have them.
async fn send(
    ports: &impl Ports,
    format: ExportFormat,
    statuses: &[Status],
    sender: &BodySender,
    check: impl AsyncFn() -> Result<(), Problem>,
) -> Result<(), Problem> {
    let mut text = format.header();
    for status in statuses {
        let mut after = None;
        loop {
            check().await?;
            let page = list_products::handle(ports, page_after(*status, after))
                .map_err(problem)?
                .page;
            let products = ports.store().with_variants(page.entries);
            let tree = ports.store().tree().map_err(store_problem)?;
            for product in products.map_err(store_problem)? {
                format
                    .write(&product, &tree, &mut text)
                    .map_err(|_| Problem::internal())?;
            }
            sender.send(std::mem::take(&mut text)).await;
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(())
}

/// What the page after that cursor is asked for by: in the order in which products came, whatever is sold or changed meanwhile.
fn page_after(status: Status, after: Option<String>) -> list_products::Query {
    let (page, limit) = (1, PAGE_LIMIT_MAX);
    list_products::Query {
        filter: Filter {
            status: Some(status),
            ..Filter::default()
        },
        facets: Vec::new(),
        sort: Some(Sort::ascending(SortKey::Created)),
        page: PageRequest { page, limit, after },
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use http_body_util::BodyExt as _;
    use mercato_edge::examples::from_query;
    use mercato_kernel::named::is_described_by_name;
    use mercato_money::Money;
    use mercato_platform::clock::SystemClock;
    use mercato_platform::ids::RandomIds;
    use mercato_testing::run;
    use products::Products;
    use products::application::commands::import_products::{self, RowOutcome};
    use products::application::commands::{create_category, create_product};
    use products::domain::category::{CategoryChanges, CategoryId};
    use products::domain::presentation::MediumDraft;
    use products::domain::product::{ProductChanges, StockChange};
    use products::domain::values::Weight;
    use products::domain::variant::{DrawsDraft, ProductOption, VariantDraft};

    use super::*;
    use crate::price_list::{Options, Upload};

    type Shop = Rc<Products>;

    fn shop() -> Shop {
        Rc::new(Products::new(SystemClock, RandomIds))
    }

    fn product(name: &str, sku: Option<&str>, description: &str) -> ProductChanges {
        ProductChanges {
            name: Some(name.parse().unwrap()),
            description: Some(description.parse().unwrap()),
            sku: sku.map(|sku| Some(sku.parse().unwrap())),
            price: Some(Money::from_units(123_456)),
            stock: Some(StockChange::Absolute(7)),
            tax_class: Some("food".parse().unwrap()),
            weight: Weight::parse(250).ok(),
            ..ProductChanges::default()
        }
    }

    /// The file, or why it breaks off.
    fn exported(
        shop: &Shop,
        format: ExportFormat,
        wanted: Option<Vec<Status>>,
        check: impl AsyncFn() -> Result<(), Problem> + 'static,
    ) -> Result<String, String> {
        let shop = Rc::clone(shop);
        let statuses = statuses(wanted);
        let body = StreamedBody::of(|sender| async move {
            send(&*shop, format, &statuses, &sender, check).await
        });
        let file = run(body.collect()).map_err(|error| error.to_string())?;
        Ok(String::from_utf8(file.to_bytes().to_vec()).unwrap())
    }

    fn whole(shop: &Shop, format: ExportFormat) -> String {
        exported(shop, format, None, async || Ok(())).unwrap()
    }

    /// What becomes of the rows of a file.
    fn import(shop: &Shop, format: ExportFormat, file: String) -> Vec<RowOutcome> {
        let mut upload = Upload::of(format.media_type(), Options::default()).unwrap();
        upload.push(file.into());
        let mut rows = Vec::new();
        while let Some(line) = upload.next().unwrap() {
            rows.push(line.row.unwrap());
        }
        assert!(upload.finish().unwrap().is_none());
        let outcomes = rows
            .chunks(100)
            .map(|rows| import_products::handle(&**shop, rows).unwrap());
        outcomes.flatten().collect()
    }

    /// The lines of a file in an order of their own: products of the same millisecond come in any.
    fn rows_of(file: &str) -> Vec<&str> {
        let mut lines: Vec<&str> = file.lines().collect();
        lines.sort_unstable();
        lines
    }

    #[test]
    fn importing_an_export_changes_nothing() {
        let shop = shop();
        for (number, (name, description)) in [
            ("Tea", ""),
            (
                "Tea; \"best\", of 5' tube",
                "Line one\nline two, \"quoted\"\r\n\tthe end",
            ),
            ("=1+1", "-5"),
            ("Grüner Tee 緑茶", ";;;"),
            ("\"", "\\ /"),
        ]
        .into_iter()
        .enumerate()
        {
            let sku = format!("S;{number}");
            create_product::handle(&*shop, &product(name, Some(&sku), description)).unwrap();
        }
        for format in [ExportFormat::Ndjson, ExportFormat::Csv] {
            let outcomes = import(&shop, format, whole(&shop, format));
            assert_eq!(outcomes, [const { RowOutcome::Unchanged }; 5], "{format:?}");
        }
        // Taken into an empty shop, it is the same again.
        let other = self::shop();
        let file = whole(&shop, ExportFormat::Csv);
        import(&other, ExportFormat::Csv, file.clone());
        assert_eq!(rows_of(&whole(&other, ExportFormat::Csv)), rows_of(&file));
    }

    /// A coffee of two sizes from one stock of its own, and of a third one with units of its own.
    fn coffee(category: CategoryId) -> ProductChanges {
        let variant = |size: &str, sku: &str| VariantDraft {
            sku: Some(Some(sku.parse().unwrap())),
            price: Some(Money::from_units(90_000)),
            options: Some(vec![("Size".to_owned(), size.to_owned())]),
            ..VariantDraft::default()
        };
        let drawing = |size: &str, sku: &str, units| VariantDraft {
            draws: Some(Some(DrawsDraft {
                sku: "BEANS".parse().unwrap(),
                units,
            })),
            ..variant(size, sku)
        };
        let medium = |number: u32| MediumDraft {
            url: format!("/pictures/{number}.svg"),
            alt: format!("\"Picture\", {number}"),
        };
        ProductChanges {
            media: Some((0..6).map(medium).collect()),
            attributes: Some(vec![(
                "Origin".to_owned(),
                "Ethiopia; \"Sidamo\"".to_owned(),
            )]),
            categories: Some(vec![category]),
            options: Some(vec![ProductOption {
                name: "Size".to_owned(),
                values: ["250 g", "1 kg", "tin"].map(ToOwned::to_owned).into(),
            }]),
            variants: Some(vec![
                drawing("250 g", "C-250", 1),
                drawing("1 kg", "C-1000", 4),
                VariantDraft {
                    stock: Some(StockChange::Absolute(3)),
                    weight: Weight::parse(400).ok(),
                    ..variant("tin", "C-TIN")
                },
            ]),
            ..product("Coffee", Some("BEANS"), "")
        }
    }

    #[test]
    fn variants_pictures_and_categories_are_exported_too() {
        let [shop, other] = std::array::from_fn(|_| shop());
        let category = |shop: &Shop, parent: Option<CategoryId>, name: &str| {
            let inside = CategoryChanges {
                parent: Some(parent),
                ..CategoryChanges::default()
            };
            create_category::handle(&**shop, &name.parse().unwrap(), &inside)
                .unwrap()
                .id
        };
        let drinks = category(&shop, None, "Drinks");
        let inside = category(&shop, Some(drinks), "Coffee");
        let elsewhere = category(&other, None, "Drinks");
        category(&other, Some(elsewhere), "Coffee");
        create_product::handle(&*shop, &product("Tea", None, "no number")).unwrap();
        create_product::handle(&*shop, &coffee(inside)).unwrap();
        for format in [ExportFormat::Ndjson, ExportFormat::Csv] {
            let file = whole(&shop, format);
            // One for the tea; one for the coffee, three for its variants, and two for the pictures that are left.
            let rows = file.lines().count() - usize::from(format == ExportFormat::Csv);
            assert_eq!(rows, 7, "{file}");
            let outcomes = import(&shop, format, file.clone());
            assert_eq!(outcomes, [const { RowOutcome::Unchanged }; 7], "{file}");
            import(&other, format, file.clone());
            assert_eq!(rows_of(&whole(&other, format)), rows_of(&file));
        }
    }

    #[test]
    fn an_export_of_all_statuses_is_complete_and_changes_nothing() {
        let shop = shop();
        for (number, status) in Status::ALL.iter().enumerate() {
            let sku = format!("S-{number}");
            let new = ProductChanges {
                status: Some(*status),
                ..product("Tea", Some(&sku), "")
            };
            create_product::handle(&*shop, &new).unwrap();
        }
        let numbers = |wanted: Option<&str>| -> Vec<String> {
            let query = wanted.map_or(String::new(), |wanted| format!("status={wanted}"));
            let query: ExportQuery = from_query(&query).unwrap();
            let file = exported(&shop, ExportFormat::Csv, query.status, async || Ok(()));
            let file = file.unwrap();
            let rows = file.lines().skip(1).map(|row| row[..3].to_owned());
            rows.collect()
        };
        assert_eq!(numbers(None), ["S-1"]);
        assert_eq!(numbers(Some("draft")), ["S-0"]);
        assert_eq!(numbers(Some("archived,draft,draft")), ["S-0", "S-2"]);
        for format in [ExportFormat::Ndjson, ExportFormat::Csv] {
            let all = Some(Status::ALL.to_vec());
            let file = exported(&shop, format, all, async || Ok(())).unwrap();
            let outcomes = import(&shop, format, file);
            assert_eq!(outcomes, [const { RowOutcome::Unchanged }; 3], "{format:?}");
        }
        assert_eq!(numbers(Some("draft,archived")), ["S-0", "S-2"]);
        assert!(from_query::<ExportQuery>("status=gone").is_err());
    }

    #[test]
    fn an_export_has_all_pages_and_asks_before_each() {
        let shop = shop();
        for number in 0..=2 * PAGE_LIMIT_MAX {
            let sku = format!("S-{number}");
            create_product::handle(&*shop, &product("Tea", Some(&sku), "")).unwrap();
        }
        create_product::handle(&*shop, &product("No number", None, "")).unwrap();
        let file = whole(&shop, ExportFormat::Csv);
        assert_eq!(file.lines().count(), 203);
        assert!(
            file.starts_with("sku,slug,name,description,status,price,stock,taxClass,weightGrams,")
        );
        assert!(file.contains("\r\nS-0,tea,Tea,,published,12.3456,7,food,250,,{},,,"));
        assert!(file.contains("\r\n,no-number,No number,,published,12.3456,7,food,250,,{},"));
        let lines = whole(&shop, ExportFormat::Ndjson);
        assert_eq!(lines.lines().count(), 202);
        assert!(lines.contains(
            r#"{"slug":"no-number","name":"No number","description":"","status":"published","#
        ));
        let asked = Rc::new(Cell::new(0));
        let counted = Rc::clone(&asked);
        let revoked = exported(&shop, ExportFormat::Csv, None, async move || {
            counted.set(counted.get() + 1);
            if counted.get() > 2 {
                Err(Problem::internal())
            } else {
                Ok(())
            }
        });
        assert!(revoked.unwrap_err().contains("could not be completed"));
        assert_eq!(asked.get(), 3);
    }

    #[test]
    fn formats_are_the_same_for_all_who_read_them() {
        assert!(is_described_by_name::<FileFormat>());
        let format = |query| from_query::<ExportQuery>(query).unwrap().format;
        assert_eq!(format("format=csv"), Some(FileFormat::Csv));
        assert_eq!(format(""), None);
        assert!(from_query::<ExportQuery>("format=xlsx").is_err());
    }
}

//! Databases of older versions of the shop.

use super::*;

/// The place of that migration, and the schema before it.
fn before(name: &str) -> (usize, Database) {
    let is_it = |migration: &mercato_sql::Migration| migration.name == name;
    let place = MIGRATIONS.sqlite.iter().position(is_it).unwrap();
    let older = Database::in_memory(DATABASE_LABEL, &MIGRATIONS.sqlite[..place]).unwrap();
    (place, older)
}

/// The shop with today's schema, made of an older one with that in it.
fn migrated(name: &str, statements: &[String]) -> Shop {
    let (place, database) = before(name);
    let run: Result<(), Error> = database.write(of_a_test(), |connection| {
        for statement in statements {
            connection.execute(statement, &[])?;
        }
        for migration in &MIGRATIONS.sqlite[place..] {
            for statement in migration.sql.split(";\n\n") {
                connection.execute(statement, &[])?;
            }
        }
        Ok(())
    });
    run.unwrap();
    Shop::with(SqlStore(database))
}

/// A product as it was kept before there were slugs.
fn older_product(number: u64, name: &str, deleted: bool) -> String {
    let (key, name) = (
        name.to_lowercase().replace('\'', "''"),
        name.replace('\'', "''"),
    );
    let deleted_at = if deleted { "9" } else { "NULL" };
    format!(
        "INSERT INTO products
          (id, name, name_key, description, price, stock, reserved, sold, version, created_at, updated_at, deleted_at)
        VALUES ('01890a5d-ac96-774b-bcce-a{number:011x}', '{name}', '{key}', '', 10000, 3, 0, 0, 1, {number}, {number}, {deleted_at})"
    )
}

#[test]
fn older_products_are_published_with_slugs_of_their_names() {
    let long = "ab-".repeat(60);
    let names = [
        ("Espresso cup", "espresso-cup"),
        ("Espresso cup", "espresso-cup-a00000000001"),
        ("T-Shirt  (blue), 100%", "t-shirt-blue-100"),
        ("Crème Brûlée", "creme-brulee"),
        ("Größe Łódź smørrebrød Æ", "grosse-lodz-smorrebrod-ae"),
        ("Levi's 501", "levis-501"),
        ("e\u{301}a", "ea"),
        ("绿茶", "product-a00000000007"),
        ("Stats", "stats-a00000000008"),
        (
            "01890a5d-ac96-774b-bcce-b302099a8057",
            "01890a5d-ac96-774b-bcce-b302099a8057-a00000000009",
        ),
        (&*long, long[..80].trim_end_matches('-')),
    ];
    let named = names.iter().zip(0..);
    let mut statements: Vec<String> = named
        .map(|((name, _), number)| older_product(number, name, false))
        .collect();
    statements.push(older_product(99, "Crème Brûlée", true));
    let shop = migrated("0009_slugs_and_status", &statements);
    let products = shop.all();
    for (product, (name, slug)) in products.iter().zip(names) {
        assert_eq!(product.name.as_str(), name);
        assert_eq!(
            (product.slug.as_str(), product.status),
            (slug, Status::Published)
        );
        assert!(product.slug.as_str().parse::<Slug>().is_ok(), "{slug}");
        // As it would be made today.
        let made = Slug::from_name(&product.name, product.id);
        assert!(
            slug == made.as_str() || slug == made.apart(product.id).as_str(),
            "{name}"
        );
    }
    assert_eq!(products.len(), names.len());
    assert_eq!(
        (
            products[0].media.len(),
            products[0].attributes.iter().count()
        ),
        (0, 0)
    );
    // Lists, searches and totals go on, and what is hidden leaves them.
    assert_eq!(shop.found("espresso").len(), 2);
    shop.update(&products[0], &crate::testing::set(Status::Draft), None)
        .unwrap();
    assert_eq!(shop.found("espresso").len(), 1);
    let stats = stock_stats::handle(&shop.products).unwrap();
    assert_eq!(stats.products, names.len() as u64 - 1);
    assert_eq!(
        shop.create(&new_product("Espresso cup", 1))
            .unwrap()
            .slug
            .as_str()
            .len(),
        "espresso-cup-".len() + 12
    );
}

//! The two schemas of each database: what is not the same has a name and a reason in `differences`.

use super::super::archive::{Database, Table, Writer};
use super::super::differences::{
    COUNTERS, POSTGRES_ONLY, VERSIONS, WITH_FIRST_ROWS, has_first_rows, is_postgres_only,
};
use super::super::load::differences;
use super::super::sqlite::Source;
use super::servers::Databases;
use super::{Files, migrations};

/// What an export of a database has, without its rows.
fn described(files: &Files, label: &str) -> Database {
    let source = Source::open(label, &files.databases[label]).unwrap();
    let writer = Writer::create(&files.folder.join("described")).unwrap();
    let tables = source.tables().unwrap().into_iter().map(|name| {
        let columns = source.columns(&name).unwrap();
        let empty = writer.table(label, &name).unwrap();
        let table: Table = empty.finish(columns, None).unwrap();
        (name, table)
    });
    Database {
        schema: source.version().unwrap(),
        tables: tables.collect(),
    }
}

#[test]
fn versions_are_those_that_the_migrations_lead_to() {
    for version in VERSIONS {
        let found = [
            migrations(version.label, "").len(),
            migrations(version.label, "postgres").len(),
        ];
        let known = [version.sqlite, version.postgres].map(|number| number as usize);
        assert_eq!(
            found, known,
            "{}: a migration was added to one or both schemas: look whether rows still move, then write down both versions in VERSIONS",
            version.label
        );
    }
}

#[test]
fn a_table_of_one_schema_only_has_a_reason() {
    let files = Files::new();
    let Some(databases) = Databases::with_schemas() else {
        return;
    };
    for only in POSTGRES_ONLY {
        assert!(!only.reason.is_empty(), "{}", only.table);
    }
    for version in VERSIONS {
        let label = version.label;
        let exported = described(&files, label);
        let catalogue = databases.catalogue(label);
        assert_eq!(differences(label, &exported, &catalogue), Ok(()), "{label}");
        for name in catalogue.tables.keys() {
            let of_new_shop = databases.count(label, name) > 0 && name != "schema_version";
            assert_eq!(of_new_shop, has_first_rows(label, name), "{label}: {name}");
            let is_known = !is_postgres_only(label, name) || !exported.tables.contains_key(name);
            assert!(is_known, "{label}: {name} is in both");
        }
    }
}

#[test]
fn every_difference_that_is_named_is_there() {
    let files = Files::new();
    let Some(databases) = Databases::with_schemas() else {
        return;
    };
    for only in POSTGRES_ONLY {
        for version in VERSIONS {
            let is_of_it = only.label.is_none_or(|label| label == version.label);
            let catalogue = databases.catalogue(version.label);
            let is_there = catalogue.tables.contains_key(only.table);
            assert!(!is_of_it || is_there, "{}: {}", version.label, only.table);
        }
    }
    for counter in COUNTERS {
        let exported = described(&files, counter.label);
        let catalogue = databases.catalogue(counter.label);
        assert!(exported.tables.contains_key(counter.table), "{counter:?}");
        assert!(catalogue.views.contains_key(counter.table), "{counter:?}");
        assert!(
            catalogue.tables.contains_key(counter.changes),
            "{counter:?}"
        );
    }
    for (label, name) in WITH_FIRST_ROWS {
        assert!(databases.count(label, name) > 0, "{label}: {name}");
    }
}

#[test]
fn another_table_or_column_is_noticed() {
    let files = Files::new();
    let Some(databases) = Databases::with_schemas() else {
        return;
    };
    let differ = || {
        let exported = described(&files, "checkout");
        differences("checkout", &exported, &databases.catalogue("checkout")).unwrap_err()
    };
    files.run("checkout", "CREATE TABLE parcels (id TEXT) STRICT");
    assert_eq!(differ(), "has no table `parcels`, which the export has");
    databases.run("checkout", "CREATE TABLE parcels (id TEXT, weight BIGINT)");
    assert_eq!(
        differ(),
        "has a column `weight` in `parcels`, which the export has not"
    );
    databases.run("checkout", "ALTER TABLE parcels DROP COLUMN weight");
    files.run("checkout", "ALTER TABLE parcels ADD COLUMN size INTEGER");
    assert_eq!(
        differ(),
        "has no column `size` in `parcels`, which the export has"
    );
    databases.run("checkout", "ALTER TABLE parcels ADD COLUMN size TEXT");
    assert_eq!(
        differ(),
        "has a column `size` in `parcels` of another type than the export"
    );
    files.run("checkout", "DROP TABLE parcels");
    assert_eq!(differ(), "has a table `parcels`, which the export has not");
}

//! Searches. Few matches are ranked and sorted. Many are not: those are taken in the order in which the index of words has
//! them, newest first, or looked for along the index of the order that was asked for.

use mercato_kernel::{COUNTED_ROWS_MAX, Key, Page, PageStart, Total};
use mercato_sql::{Connection, Error, Row};

use super::driver::Driver;
use super::facets;
use super::found::{Found, count, products, to_found};
use super::horizon::walk_within;
use super::statement::{Statement, column, has_filter, index_of_order, offset, rows_wanted};
use super::typos::corrected;
use super::words::Words;
use crate::domain::facet::CountedFacet;
use crate::domain::listing::{Listing, Place, Ranking, SortKey};
use crate::domain::product::ProductView;
use crate::domain::search::{FoundPage, RANKED_MATCHES_MAX, RANKED_WALK_MATCHES_MAX, Search};

/// Most products that a filter may let through to be looked for among the matches, instead of looking at each match.
const CANDIDATES_MAX: u64 = 20_000;

/// How far a walk along the index of an order looks, in products, whether each one has the words. When the page is not
/// full by then, few of the first products have them, and all matches are gathered into a set after all.
const PROBED_PRODUCTS_MAX: u64 = 2_000;

/// [`Ranking::Newest`] as one number, smallest first, is the negative number of a product in the index of words. Versions before
/// this one put those first that had all the words in their names: for the others their cursors have that much more. Numbers are far
/// below it.
const NOT_IN_NAME: i64 = 1 << 40;

const MATCHES: &str = "\
SELECT COUNT(*) AS number
FROM (
  SELECT 1
  FROM products_by_word
  WHERE products_by_word MATCH ?
  LIMIT ?) AS counted";

/// The words choose first: CROSS JOIN keeps the order of the tables.
const FROM_WORDS: &str = "
FROM products_by_word
  CROSS JOIN catalogue_entries AS e ON e.number = products_by_word.rowid
  CROSS JOIN products AS p ON p.id = e.product_id
WHERE products_by_word MATCH ?";

/// Where nothing is asked of the product itself.
const FROM_WORDS_AND_ENTRIES: &str = "
FROM products_by_word
  CROSS JOIN catalogue_entries AS e ON e.number = products_by_word.rowid
WHERE products_by_word MATCH ?";

const FROM_WORDS_ALONE: &str = "
FROM products_by_word
WHERE products_by_word MATCH ?";

/// All words in the name, some of them, none; then short names first. [`NAME_CHARS_MAX`] is far below the steps.
///
/// [`NAME_CHARS_MAX`]: crate::domain::values::NAME_CHARS_MAX
const BEST_RANK: &str = "\
CASE
    WHEN e.number IN (SELECT rowid FROM products_by_word WHERE products_by_word MATCH ?) THEN 0
    WHEN e.number IN (SELECT rowid FROM products_by_word WHERE products_by_word MATCH ?) THEN 1000
    ELSE 2000
  END + e.name_chars";

/// The same for a single word, which is in the name or not.
const BEST_RANK_OF_ONE: &str = "\
CASE
    WHEN e.number IN (SELECT rowid FROM products_by_word WHERE products_by_word MATCH ?) THEN 0
    ELSE 2000
  END + e.name_chars";

const CANDIDATES: &str = "\
WITH candidates (number) AS MATERIALIZED (
SELECT (SELECT number FROM catalogue_entries WHERE product_id = p.id)";

/// The plus keeps SQLite from looking each candidate up among the matches.
const AMONG_CANDIDATES: &str = "
  AND +products_by_word.rowid IN (SELECT number FROM candidates)";

const PROBE: &str = "
  AND EXISTS (SELECT 1 FROM products_by_word WHERE products_by_word MATCH ? AND rowid = e.number)";

const AMONG_MATCHES: &str = "
  AND +e.number IN (SELECT rowid FROM products_by_word WHERE products_by_word MATCH ?)";

/// How matches are found that are few, or of which few pass the filter.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    /// All matches are looked at.
    Matches,
    /// Those that the filter lets through are gathered first, from there.
    Candidates(Driver),
}

impl Source {
    /// Where the candidates come from.
    const fn driver(self) -> Option<Driver> {
        match self {
            Self::Matches => None,
            Self::Candidates(driver) => Some(driver),
        }
    }
}

/// One page of a search. Where the words are found nowhere, typos in them are forgiven. None when a walk through ranked matches cannot
/// go on.
pub(super) fn page(
    connection: &Connection,
    listing: &Listing,
    search: &Search,
) -> Result<Option<FoundPage>, Error> {
    if let Some(matches) = Matches::look_up(connection, listing, search)? {
        return matches.page_with_facets(connection, listing);
    }
    if let Some(search) = corrected(connection, search)?
        && let Some(matches) = Matches::look_up(connection, listing, &search)?
    {
        let page = matches.page_with_facets(connection, listing)?;
        let corrected = Some(search.words().join(" "));
        return Ok(page.map(|page| FoundPage { corrected, ..page }));
    }
    let facets = listing.facets.iter().cloned();
    Ok(Some(FoundPage {
        facets: facets.map(CountedFacet::empty).collect(),
        ..none(listing).into()
    }))
}

/// The page of a list that has nothing.
fn none(listing: &Listing) -> Page<ProductView> {
    listing.page(None, Total::counted(0), Vec::new())
}

/// The words of a search, of which there are matches.
struct Matches {
    words: Words,
    /// Their number, as far as they are counted.
    number: u64,
    /// Most of them that are ranked.
    ranked_max: u64,
}

impl Matches {
    fn look_up(
        connection: &Connection,
        listing: &Listing,
        search: &Search,
    ) -> Result<Option<Self>, Error> {
        let Some(words) = Words::look_up(connection, search)? else {
            return Ok(None);
        };
        let ranked_max = match listing.ranking {
            Some(Ranking::Best) => RANKED_WALK_MATCHES_MAX,
            _ => RANKED_MATCHES_MAX,
        };
        let number = count(connection, &matches_statement(&words, ranked_max + 1))?;
        Ok((number > 0).then_some(Self {
            words,
            number,
            ranked_max,
        }))
    }

    fn page_with_facets(
        &self,
        connection: &Connection,
        listing: &Listing,
    ) -> Result<Option<FoundPage>, Error> {
        let Some((page, source)) = self.page(connection, listing)? else {
            return Ok(None);
        };
        let entries = page.total.entries;
        let found = || Ok(found_statement(listing, &self.words, source));
        Ok(Some(FoundPage {
            facets: facets::counted(connection, listing, entries, found)?,
            ..page.into()
        }))
    }

    /// The page, and where all of what is found comes from.
    fn page(
        &self,
        connection: &Connection,
        listing: &Listing,
    ) -> Result<Option<(Page<ProductView>, Source)>, Error> {
        let is_by_relevance = listing.sort.key == SortKey::Relevance;
        let by_relevance = |ranking| is_by_relevance.then_some(ranking);
        if self.number <= self.ranked_max {
            let gather = Gather {
                words: &self.words,
                source: Source::Matches,
                ranking: by_relevance(listing.ranking.unwrap_or(Ranking::Best)),
                most: self.ranked_max,
            };
            let page = gather.page(connection, listing)?;
            return Ok(page.map(|page| (page, Source::Matches)));
        }
        if listing.ranking == Some(Ranking::Best) {
            return Ok(None);
        }
        many(
            connection,
            listing,
            &self.words,
            by_relevance(Ranking::Newest),
        )
        .map(Some)
    }
}

/// A page of more matches than are ranked.
fn many(
    connection: &Connection,
    listing: &Listing,
    words: &Words,
    ranking: Option<Ranking>,
) -> Result<(Page<ProductView>, Source), Error> {
    let source = match passing(connection, listing, words)? {
        Passing::None => return Ok((none(listing), Source::Matches)),
        Passing::Few(source) => Some(source),
        Passing::Many => None,
    };
    if let Some(source) = source {
        let gather = Gather {
            words,
            source,
            ranking,
            most: COUNTED_ROWS_MAX,
        };
        if let Some(page) = gather.page(connection, listing)? {
            return Ok((page, source));
        }
    }
    let found = if ranking.is_some() {
        products(connection, &newest_statement(listing, words), listing.sort)?
    } else {
        walked(connection, listing, words)?
    };
    let total = Total::counted(Total::LIMIT_ROWS);
    let page = listing.page(ranking, total, found);
    Ok((page, source.unwrap_or(Source::Matches)))
}

fn matches_statement(words: &Words, limit: u64) -> Statement {
    Statement::new(MATCHES, [words.all().into(), limit.into()])
}

/// How many of many matches pass the filter.
enum Passing {
    /// None, for the filter lets no product through.
    None,
    /// Few, which are to be gathered from there.
    Few(Source),
    /// More than are counted.
    Many,
}

fn passing(connection: &Connection, listing: &Listing, words: &Words) -> Result<Passing, Error> {
    if !has_filter(listing) {
        return Ok(Passing::Many);
    }
    let driver = Driver::choose(connection, listing)?;
    let candidates = Statement::filtered(listing, driver, CANDIDATES_MAX + 1);
    let source = match count(connection, &candidates)? {
        0 => return Ok(Passing::None),
        1..=COUNTED_ROWS_MAX => return Ok(Passing::Few(Source::Candidates(driver))),
        found if found <= CANDIDATES_MAX => Source::Candidates(driver),
        _ => Source::Matches,
    };
    let passing = count(connection, &passing_statement(listing, words, source))?;
    Ok(if passing <= COUNTED_ROWS_MAX {
        Passing::Few(source)
    } else {
        Passing::Many
    })
}

/// Counts the matches that pass the filter, as far as a total goes.
fn passing_statement(listing: &Listing, words: &Words, source: Source) -> Statement {
    let mut statement = Statement::default();
    if let Some(driver) = source.driver() {
        add_candidates(&mut statement, listing, driver);
    }
    statement.add("SELECT COUNT(*) AS number\nFROM (\nSELECT 1", []);
    match source {
        Source::Matches => {
            statement.add(FROM_WORDS, [words.all().into()]);
            statement.add_filter(listing);
        }
        Source::Candidates(_) => {
            statement.add(FROM_WORDS_ALONE, [words.all().into()]);
            statement.add(AMONG_CANDIDATES, []);
        }
    }
    statement.add_limit(Total::LIMIT_ROWS, 0);
    statement.add(") AS counted", []);
    statement
}

/// What the filter lets through, by its numbers in the index of words.
fn add_candidates(statement: &mut Statement, listing: &Listing, driver: Driver) {
    statement.add(CANDIDATES, []);
    statement.add_filtered_products(listing, driver);
    statement.add(")\n", []);
}

/// What is found, to be counted by facets: of many matches the newest.
fn found_statement(listing: &Listing, words: &Words, source: Source) -> Statement {
    let mut statement = Statement::default();
    let beginning = if let Some(driver) = source.driver() {
        add_candidates(&mut statement, listing, driver);
        ","
    } else {
        "WITH"
    };
    statement.add(beginning, []);
    statement.add(" found (id) AS MATERIALIZED (\nSELECT e.product_id", []);
    match source {
        Source::Matches if has_filter(listing) => {
            statement.add(FROM_WORDS, [words.all().into()]);
            statement.add_filter(listing);
        }
        Source::Matches => statement.add(FROM_WORDS_AND_ENTRIES, [words.all().into()]),
        Source::Candidates(_) => {
            statement.add(FROM_WORDS_AND_ENTRIES, [words.all().into()]);
            statement.add(AMONG_CANDIDATES, []);
        }
    }
    statement.add("\nORDER BY products_by_word.rowid DESC", []);
    statement.add_limit(COUNTED_ROWS_MAX, 0);
    statement.add(")", []);
    statement
}

/// A page of matches that are gathered and sorted.
struct Gather<'a> {
    words: &'a Words,
    source: Source,
    /// How they are ranked, in a list by relevance.
    ranking: Option<Ranking>,
    /// So many at most.
    most: u64,
}

impl Gather<'_> {
    /// The page; none when there are more matches.
    fn page(
        &self,
        connection: &Connection,
        listing: &Listing,
    ) -> Result<Option<Page<ProductView>>, Error> {
        let rows = self.rows(connection, listing)?;
        let first = if rows.is_empty() && listing.start != PageStart::Offset(0) {
            // Beyond the end: the total stands beside the products of the first page.
            let start = PageStart::Offset(0);
            self.rows(
                connection,
                &Listing {
                    start,
                    ..listing.clone()
                },
            )?
        } else {
            Vec::new()
        };
        let total = rows.first().or(first.first());
        let total = total.map_or(Ok(0), |row| row.get("total"))?;
        if total > self.most {
            return Ok(None);
        }
        let found = to_found(&rows, listing.sort)?;
        let total = Total::counted(total);
        Ok(Some(listing.page(self.ranking, total, found)))
    }

    fn rows(&self, connection: &Connection, listing: &Listing) -> Result<Vec<Row>, Error> {
        let statement = self.statement(listing);
        connection.query(&statement.sql, &statement.parameters)
    }

    fn statement(&self, listing: &Listing) -> Statement {
        let mut statement = Statement::default();
        if let Some(driver) = self.source.driver() {
            add_candidates(&mut statement, listing, driver);
            statement.add(", ", []);
        } else {
            statement.add("WITH ", []);
        }
        let is_filtered = self.source == Source::Matches && has_filter(listing);
        let (id, from) = if self.ranking.is_none() || is_filtered {
            ("p.id", FROM_WORDS)
        } else {
            ("e.product_id", FROM_WORDS_AND_ENTRIES)
        };
        let found = format!("found (id, sort_key) AS MATERIALIZED (\nSELECT {id}, ");
        statement.add(&found, []);
        self.add_key(&mut statement, listing);
        statement.add(from, [self.words.all().into()]);
        match self.source {
            Source::Matches => statement.add_filter(listing),
            Source::Candidates(_) => statement.add(AMONG_CANDIDATES, []),
        }
        statement.add_limit(self.most + 1, 0);
        statement.add(")", []);
        statement.add_sorted_page(listing);
        statement
    }

    /// What the matches are sorted by.
    fn add_key(&self, statement: &mut Statement, listing: &Listing) {
        let words = self.words;
        match self.ranking {
            None => statement.add(column(listing.sort.key), []),
            Some(Ranking::Best) if words.are_several() => {
                let parameters = [words.all_in_name().into(), words.some_in_name().into()];
                statement.add(BEST_RANK, parameters);
            }
            Some(Ranking::Best) => statement.add(BEST_RANK_OF_ONE, [words.all_in_name().into()]),
            Some(Ranking::Newest) => statement.add("-e.number", []),
        }
    }
}

/// A page of many matches by [`Ranking::Newest`], in the order in which the index of words has them.
fn newest_statement(listing: &Listing, words: &Words) -> Statement {
    let mut statement = Statement::select_products("-products_by_word.rowid");
    statement.add(FROM_WORDS, [words.all().into()]);
    statement.add_filter(listing);
    if let PageStart::After((Key::Integer(rank), _)) = &listing.start {
        let below = if *rank < 0 {
            rank.saturating_neg()
        } else {
            NOT_IN_NAME.saturating_sub(*rank)
        };
        statement.add("\n  AND products_by_word.rowid < ?", [below.into()]);
    }
    let order = "
ORDER BY products_by_word.rowid DESC -- plan on PostgreSQL: the words are of many products, so that a page ends a walk soon";
    statement.add(order, []);
    statement.add_limit(rows_wanted(listing), offset(listing));
    statement
}

/// A page of many matches in an order that has an index.
fn walked(connection: &Connection, listing: &Listing, words: &Words) -> Result<Vec<Found>, Error> {
    if words.is_indexed() && rows_wanted(listing) + offset(listing) <= PROBED_PRODUCTS_MAX {
        let walk = |end: Option<&Place>| walk_statement(listing, words, PROBE, end);
        if let Some(found) = walk_within(connection, listing, PROBED_PRODUCTS_MAX, walk)? {
            return Ok(found);
        }
    }
    let statement = walk_statement(listing, words, AMONG_MATCHES, None);
    products(connection, &statement, listing.sort)
}

/// A walk along the index of the order, up to a place, that takes what has the words.
fn walk_statement(
    listing: &Listing,
    words: &Words,
    condition: &str,
    end: Option<&Place>,
) -> Statement {
    let key = column(listing.sort.key);
    let mut statement = Statement::select_products(key);
    let from = format!(
        "\nFROM products AS p INDEXED BY {}\n  \
           CROSS JOIN catalogue_entries AS e ON e.product_id = p.id -- plan: a page ends it: many match",
        index_of_order(listing)
    );
    statement.add(&from, []);
    statement.add_shown(listing);
    statement.add_filter(listing);
    statement.add_start("AND", (key, "p.id"), listing);
    if let Some(place) = end {
        statement.add_horizon((key, "p.id"), place, listing);
    }
    statement.add(condition, [words.all().into()]);
    statement.add_end((key, "p.id"), listing);
    statement
}

/// The statements of a search whose matches are few, and of one whose matches are many, for tests of their plans.
#[cfg(test)]
pub(super) fn statements(words: &Words, listing: &Listing) -> [Vec<Statement>; 2] {
    let gather = |source, ranking| Gather {
        words,
        source,
        ranking,
        most: COUNTED_ROWS_MAX,
    };
    let by_relevance = listing.sort.key == SortKey::Relevance;
    let best = by_relevance.then_some(Ranking::Best);
    let few = vec![
        matches_statement(words, Total::LIMIT_ROWS),
        gather(Source::Matches, best).statement(listing),
    ];
    let mut many = vec![matches_statement(words, Total::LIMIT_ROWS)];
    if has_filter(listing) {
        many.push(passing_statement(listing, words, Source::Matches));
        for driver in Driver::all(listing) {
            many.push(Statement::filtered(listing, driver, CANDIDATES_MAX + 1));
            many.push(passing_statement(
                listing,
                words,
                Source::Candidates(driver),
            ));
        }
    }
    if by_relevance {
        many.push(newest_statement(listing, words));
    } else {
        many.push(super::horizon::horizon_statement(
            listing,
            PROBED_PRODUCTS_MAX,
        ));
        many.push(walk_statement(listing, words, PROBE, None));
        many.push(walk_statement(listing, words, AMONG_MATCHES, None));
    }
    [few, many]
}

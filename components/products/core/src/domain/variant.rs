//! Options of a product and the variants that they make: each is sold at a price of its own, from a stock of its own or from another's.

use std::collections::{BTreeMap, BTreeSet};

use mercato_kernel::{FieldError, FromJson as _, ProductId};
use mercato_money::Money;
use mercato_platform::text::{line, loggable};

use crate::domain::checked::changed_stock;
use crate::domain::error::{ProductError, broken};
use crate::domain::product::StockChange;
use crate::domain::stock::Stock;
use crate::domain::values::{Price, Sku, Weight};

/// Most options of a product.
pub const OPTIONS_MAX: usize = 3;

/// Most values of an option.
pub const OPTION_VALUES_MAX: usize = 100;

/// Most variants of a product.
pub const VARIANTS_MAX: usize = 500;

/// Longest name of an option, in characters.
pub const OPTION_NAME_CHARS_MAX: usize = 50;

/// Longest value of an option, in characters.
pub const OPTION_VALUE_CHARS_MAX: usize = 100;

/// Most units of another stock that one unit of a variant takes.
pub const DRAWN_UNITS_MAX: u32 = 10_000;

/// What customers choose of a product, such as its size, and between which values; in the order in which they are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProductOption {
    /// Its name.
    pub name: String,
    /// Its values, each once.
    pub values: Vec<String>,
}

impl ProductOption {
    /// Checks options that somebody sent.
    ///
    /// # Errors
    /// Every part that breaks a rule, by its path.
    pub fn parse_all(drafts: &[Self]) -> Result<Vec<Self>, Vec<FieldError>> {
        if drafts.len() > OPTIONS_MAX {
            let rule = format!("must not have more than {OPTIONS_MAX} entries");
            return Err(vec![broken("options", "max", rule)]);
        }
        let (mut options, mut errors) = (Vec::<Self>::new(), Vec::new());
        for (index, draft) in drafts.iter().enumerate() {
            let path = format!("options[{index}]");
            match Self::parse(&path, draft) {
                Ok(option) if options.iter().any(|other| other.name == option.name) => {
                    let field = format!("{path}.name");
                    errors.push(broken(&field, "repeated", "is the name of another option"));
                }
                Ok(option) => options.push(option),
                Err(broken) => errors.extend(broken),
            }
        }
        if errors.is_empty() {
            Ok(options)
        } else {
            Err(errors)
        }
    }

    fn parse(path: &str, draft: &Self) -> Result<Self, Vec<FieldError>> {
        let mut errors = Vec::new();
        let field = format!("{path}.name");
        let name = line(&draft.name, OPTION_NAME_CHARS_MAX);
        let name = name.map_err(|problem| errors.push(broken(&field, problem.code(), problem)));
        let field = format!("{path}.values");
        if draft.values.is_empty() {
            errors.push(broken(&field, "min", "must have at least 1 entry"));
        } else if draft.values.len() > OPTION_VALUES_MAX {
            let rule = format!("must not have more than {OPTION_VALUES_MAX} entries");
            return Err(vec![broken(&field, "max", rule)]);
        }
        let mut values = Vec::<String>::new();
        for (index, value) in draft.values.iter().enumerate() {
            let field = format!("{field}[{index}]");
            match line(value, OPTION_VALUE_CHARS_MAX) {
                Ok(value) if values.contains(&value) => {
                    errors.push(broken(&field, "repeated", "is given more than once"));
                }
                Ok(value) => values.push(value),
                Err(problem) => errors.push(broken(&field, problem.code(), problem)),
            }
        }
        match name {
            Ok(name) if errors.is_empty() => Ok(Self { name, values }),
            _ => Err(errors),
        }
    }
}

/// The value that a variant has of one option.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Choice {
    /// The option's name.
    pub name: String,
    /// One of its values.
    pub value: String,
}

/// The stock of another product or variant that a variant is taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawn {
    /// The product or variant that has the stock.
    pub item: ProductId,
    /// Its number, unless that was taken away since.
    pub sku: Option<Sku>,
    /// Units of it that one unit of the variant takes, 1 to [`DRAWN_UNITS_MAX`].
    pub units: u32,
    /// Its free units.
    pub free: u64,
}

/// One of the things that a product is sold as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variant {
    /// Identifier, by which it is ordered.
    pub id: ProductId,
    /// The shop's own number, unique among products and variants that are not deleted.
    pub sku: Option<Sku>,
    /// Price of one unit.
    pub price: Price,
    /// Of one unit; 0 when it is the product's.
    pub weight: Weight,
    /// One value of each option, in the order of the options.
    pub choices: Vec<Choice>,
    /// Its own units; those that are free are not for sale while it draws on another stock.
    pub stock: Stock,
    /// What it is taken from, if not from its own units.
    pub draws: Option<Drawn>,
    /// Grows by one with every change, from 1. Orders that move stock do not count.
    pub version: u64,
    /// Milliseconds since the Unix epoch.
    pub created_at: u64,
    /// Milliseconds since the Unix epoch; never goes back.
    pub updated_at: u64,
}

impl Variant {
    /// Units of it that could be sold now.
    #[must_use]
    pub fn available(&self) -> u64 {
        match &self.draws {
            Some(drawn) => drawn.free / u64::from(drawn.units.max(1)),
            None => self.stock.free(),
        }
    }

    /// Its values, as they tell it apart in a line of text: `250 g, whole beans`.
    #[must_use]
    pub fn title(&self) -> String {
        title(&self.choices)
    }

    /// What its units are taken from, and how many of those one of its own takes.
    fn item(&self) -> (ProductId, u64) {
        let drawn = self.draws.as_ref();
        drawn.map_or((self.id, 1), |drawn| {
            (drawn.item, u64::from(drawn.units.max(1)))
        })
    }

    /// Whether it says the same as another version of itself, however many units what it draws on has.
    fn says_the_same_as(&self, other: &Self) -> bool {
        let taken = |one: &Self| one.draws.as_ref().map(|drawn| (drawn.item, drawn.units));
        let same_version = Self {
            draws: other.draws.clone(),
            version: other.version,
            updated_at: other.updated_at,
            ..self.clone()
        };
        same_version == *other && taken(self) == taken(other)
    }
}

/// The values of choices, with commas between them.
#[must_use]
pub fn title(choices: &[Choice]) -> String {
    let values: Vec<&str> = choices.iter().map(|choice| &*choice.value).collect();
    values.join(", ")
}

/// Units of all variants that could be sold. What several of them are taken from counts once, by the one that takes the fewest units of it.
#[must_use]
pub fn offered(variants: &[Variant]) -> u64 {
    let mut items = BTreeMap::new();
    for variant in variants {
        let (item, _) = variant.item();
        let most = items.entry(item).or_insert(0_u64);
        *most = (*most).max(variant.available());
    }
    items
        .values()
        .fold(0, |sum, units| sum.saturating_add(*units))
}

/// What somebody wrote of the stock that a variant is taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrawsDraft {
    /// The number of the product or variant that has the stock.
    pub sku: Sku,
    /// Units of it that one unit takes.
    pub units: u32,
}

/// What somebody wrote of a variant; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VariantDraft {
    /// Which of the variants there are; without it, the one of the same values, else a new one.
    pub id: Option<ProductId>,
    /// The shop's own number; `Some(None)` takes it away.
    pub sku: Option<Option<Sku>>,
    /// Price of one unit; a new variant without one has the product's.
    pub price: Option<Money>,
    /// Of one unit.
    pub weight: Option<Weight>,
    /// One value of each option, by the options' names.
    pub options: Option<Vec<(String, String)>>,
    /// Its own free units. Not together with `draws`.
    pub stock: Option<StockChange>,
    /// What it is taken from; `Some(None)` makes it have units of its own.
    pub draws: Option<Option<DrawsDraft>>,
}

/// A product or variant on whose stock variants may draw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockItem {
    /// Identifier.
    pub id: ProductId,
    /// Its number.
    pub sku: Sku,
    /// Its free units.
    pub free: u64,
    /// Whether it draws on another stock itself.
    pub draws: bool,
}

/// What a change of variants needs beside what was sent.
#[derive(Debug, Default)]
pub struct Means {
    /// Milliseconds since the Unix epoch.
    pub now: u64,
    /// Identifiers for new variants.
    pub ids: Vec<ProductId>,
    /// What the sent numbers of stocks stand for, where they are not the product's own or its variants'.
    pub items: Vec<StockItem>,
}

impl Means {
    /// Those of a change that has no variants.
    #[must_use]
    pub const fn at(now: u64) -> Self {
        Self {
            now,
            ids: Vec::new(),
            items: Vec::new(),
        }
    }
}

/// What a product is while its variants change.
#[derive(Debug)]
pub struct Owner<'a> {
    /// Its identifier.
    pub id: ProductId,
    /// Its number as it will be.
    pub sku: Option<&'a Sku>,
    /// Its free units as they will be.
    pub free: u64,
    /// Its options as they will be.
    pub options: &'a [ProductOption],
    /// What a new variant costs that does not say it.
    pub price: Option<Price>,
    /// The variants that it has now.
    pub variants: &'a [Variant],
}

impl Owner<'_> {
    /// The variants as they are when only the options have changed.
    ///
    /// # Errors
    /// The fields at fault.
    pub fn keep(&self) -> Result<Vec<Variant>, Vec<FieldError>> {
        let mut kept = Vec::new();
        for variant in self.variants {
            let Some(choices) = self.choices_again(variant) else {
                let rule = format!(
                    "must go on to have what the variants have ({}), unless variants are sent with it",
                    loggable(&variant.title())
                );
                return Err(vec![broken("options", "in-use", rule)]);
            };
            kept.push(Variant {
                choices,
                ..variant.clone()
            });
        }
        Ok(kept)
    }

    /// The variants that were sent, in their order, or all that is wrong with them.
    ///
    /// # Errors
    /// [`ProductError::Invalid`], and what the stock of a variant does not allow.
    pub fn replace(
        &self,
        drafts: &[VariantDraft],
        means: &Means,
    ) -> Result<Vec<Variant>, ProductError> {
        if drafts.len() > VARIANTS_MAX {
            let rule = format!("must not have more than {VARIANTS_MAX} entries");
            return Err(ProductError::Invalid(vec![broken("variants", "max", rule)]));
        }
        if self.options.is_empty() && !drafts.is_empty() {
            let rule = "need options, which tell them apart";
            return Err(ProductError::Invalid(vec![broken(
                "variants", "options", rule,
            )]));
        }
        let (mut variants, mut errors) = (Vec::<Variant>::new(), Vec::new());
        let mut new_ids = means.ids.iter().copied();
        let mut refused = None;
        let mut seen = Seen::default();
        for (index, draft) in drafts.iter().enumerate() {
            let path = format!("variants[{index}].");
            let variant = self.blank(&path, draft, means.now, &mut new_ids);
            let variant = variant.and_then(|variant| {
                seen.check(&path, draft, &variant)?;
                Ok(variant)
            });
            match variant.map(|variant| changed(&path, variant, draft)) {
                Ok(Ok(variant)) => variants.push(variant),
                Ok(Err(ProductError::Invalid(broken))) | Err(broken) => errors.extend(broken),
                Ok(Err(other)) => refused = refused.or(Some(other)),
            }
        }
        if !errors.is_empty() {
            return Err(ProductError::Invalid(errors));
        }
        if let Some(refused) = refused {
            return Err(refused);
        }
        let paths = |index| format!("variants[{index}].");
        self.draw(variants, drafts, means, paths)
    }

    /// All variants with one of them changed.
    ///
    /// # Errors
    /// As [`Self::replace`].
    pub fn change_one(
        &self,
        id: ProductId,
        draft: &VariantDraft,
        means: &Means,
    ) -> Result<Vec<Variant>, ProductError> {
        let is_it = |variant: &&Variant| variant.id == id;
        let variant = self.variants.iter().find(is_it);
        let variant = variant.ok_or(ProductError::NotFound)?.clone();
        let changed = changed("", variant, draft)?;
        let variants = self.variants.iter();
        let variants = variants.map(|one| if one.id == id { &changed } else { one });
        let variants: Vec<Variant> = variants.cloned().collect();
        let nothing = VariantDraft::default();
        let of = |one: &Variant| if one.id == id { draft } else { &nothing };
        let drafts: Vec<VariantDraft> = variants.iter().map(of).cloned().collect();
        self.draw(variants, &drafts, means, |_| String::new())
    }

    /// The variant that a draft is about before it changes, with the values that the draft gives it.
    fn blank(
        &self,
        path: &str,
        draft: &VariantDraft,
        now: u64,
        new_ids: &mut impl Iterator<Item = ProductId>,
    ) -> Result<Variant, Vec<FieldError>> {
        let known = draft.id.map(|id| {
            let known = self.variants.iter().find(|variant| variant.id == id);
            let rule = "is the id of no variant of this product";
            known.ok_or_else(|| vec![broken(&format!("{path}id"), "unknown", rule)])
        });
        let known = known.transpose()?;
        let choices = match (&draft.options, known) {
            (Some(pairs), _) => self.choices(path, pairs)?,
            (None, Some(known)) => self.choices_again(known).ok_or_else(|| {
                let rule = "are required, for the variant has none of these options' values";
                vec![broken(&format!("{path}options"), "required", rule)]
            })?,
            (None, None) => self.choices(path, &[])?,
        };
        let of_these_values = || self.variants.iter().find(|one| one.choices == choices);
        if let Some(known) = known.or_else(of_these_values) {
            let known = known.clone();
            return Ok(Variant { choices, ..known });
        }
        // A price that was sent is checked with what else was.
        let sent = draft.price.map(Price::stored);
        let Some(price) = sent.or(self.price) else {
            let rule = "is required, for the product has none";
            return Err(vec![broken(&format!("{path}price"), "required", rule)]);
        };
        Ok(Variant {
            id: new_ids.next().unwrap_or_else(ProductId::placeholder),
            sku: None,
            price,
            weight: Weight::default(),
            choices,
            stock: Stock::default(),
            draws: None,
            version: 0,
            created_at: now,
            updated_at: now,
        })
    }

    /// One value of each option, by the options' names.
    fn choices(
        &self,
        path: &str,
        pairs: &[(String, String)],
    ) -> Result<Vec<Choice>, Vec<FieldError>> {
        let mut errors = Vec::new();
        for (name, _) in pairs {
            if !self.options.iter().any(|option| option.name == name.trim()) {
                let field = format!("{path}options.{}", loggable(name));
                errors.push(broken(&field, "unknown", "is no option of the product"));
            }
        }
        let mut choices = Vec::new();
        for option in self.options {
            let field = format!("{path}options.{}", option.name);
            let named = pairs.iter().filter(|(name, _)| name.trim() == option.name);
            let mut values = named.map(|(_, value)| value.trim());
            match (values.next(), values.next()) {
                (None, _) => errors.push(broken(&field, "required", "is required")),
                (_, Some(_)) => {
                    errors.push(broken(&field, "repeated", "is given more than once"));
                }
                (Some(value), None) if !option.values.iter().any(|known| known == value) => {
                    let rule = "must be one of the option's values";
                    errors.push(broken(&field, "unknown", rule));
                }
                (Some(value), None) => choices.push(Choice {
                    name: option.name.clone(),
                    value: value.to_owned(),
                }),
            }
        }
        if errors.is_empty() {
            Ok(choices)
        } else {
            Err(errors)
        }
    }

    /// What a variant has of the options, where they have what it has.
    fn choices_again(&self, variant: &Variant) -> Option<Vec<Choice>> {
        let fits = |option: &ProductOption| {
            let own = variant.choices.iter().find(|one| one.name == option.name)?;
            option.values.contains(&own.value).then(|| own.clone())
        };
        let choices: Option<Vec<Choice>> = self.options.iter().map(fits).collect();
        choices.filter(|choices| choices.len() == variant.choices.len())
    }

    /// Variants with what they draw on, and with new versions where they have changed.
    fn draw(
        &self,
        variants: Vec<Variant>,
        drafts: &[VariantDraft],
        means: &Means,
        path: impl Fn(usize) -> String,
    ) -> Result<Vec<Variant>, ProductError> {
        let mut errors = Vec::new();
        let mut drawing = Vec::with_capacity(variants.len());
        for (index, (variant, draft)) in variants.iter().zip(drafts).enumerate() {
            let draws = match &draft.draws {
                None => Ok(variant.draws.clone()),
                Some(None) => Ok(None),
                Some(Some(draws)) => {
                    self.resolve(&path(index), variant, draws, &variants, drafts, means)
                }
            };
            match draws {
                Ok(draws) => drawing.push(draws),
                Err(error) => errors.push(error),
            }
        }
        if !errors.is_empty() {
            return Err(ProductError::Invalid(errors));
        }
        let drawing: Vec<_> = self.refresh(&variants, drawing);
        let changed = variants.into_iter().zip(drawing).map(|(variant, draws)| {
            let variant = Variant { draws, ..variant };
            let before = self.variants.iter().find(|one| one.id == variant.id);
            match before {
                Some(before) if variant.says_the_same_as(before) => Variant {
                    version: before.version,
                    updated_at: before.updated_at,
                    ..variant
                },
                _ => Variant {
                    version: variant.version + 1,
                    updated_at: means.now.max(variant.updated_at),
                    ..variant
                },
            }
        });
        Ok(changed.collect())
    }

    /// What is drawn on within this product has the units that it has after the change.
    fn refresh(&self, variants: &[Variant], drawing: Vec<Option<Drawn>>) -> Vec<Option<Drawn>> {
        let free = |item: ProductId| {
            if item == self.id {
                return Some(self.free);
            }
            let own = variants.iter().find(|variant| variant.id == item)?;
            Some(own.stock.free())
        };
        let refresh = |drawn: Drawn| Drawn {
            free: free(drawn.item).unwrap_or(drawn.free),
            ..drawn
        };
        drawing
            .into_iter()
            .map(|drawn| drawn.map(refresh))
            .collect()
    }

    /// What the sent number of a stock stands for.
    fn resolve(
        &self,
        path: &str,
        variant: &Variant,
        draws: &DrawsDraft,
        variants: &[Variant],
        drafts: &[VariantDraft],
        means: &Means,
    ) -> Result<Option<Drawn>, FieldError> {
        let field = format!("{path}draws.sku");
        let sibling = variants.iter().zip(drafts);
        let mut siblings = sibling.filter(|(one, _)| one.sku.as_ref() == Some(&draws.sku));
        let sibling = siblings.next().map(|(one, draft)| StockItem {
            id: one.id,
            sku: draws.sku.clone(),
            free: one.stock.free(),
            draws: match &draft.draws {
                Some(draws) => draws.is_some(),
                None => one.draws.is_some(),
            },
        });
        let own = (self.sku == Some(&draws.sku)).then(|| StockItem {
            id: self.id,
            sku: draws.sku.clone(),
            free: self.free,
            draws: false,
        });
        let is_here = |id| id == self.id || self.variants.iter().any(|one| one.id == id);
        let mut elsewhere = means.items.iter().filter(|item| !is_here(item.id));
        let elsewhere = elsewhere.find(|item| item.sku == draws.sku).cloned();
        let Some(item) = sibling.or(own).or(elsewhere) else {
            let rule = "is the sku of no product and no variant";
            return Err(broken(&field, "unknown", rule));
        };
        if item.id == variant.id {
            return Err(broken(&field, "chain", "must be that of another stock"));
        }
        if item.draws {
            let rule = "must be that of a stock of its own, not of what draws on another one";
            return Err(broken(&field, "chain", rule));
        }
        if variant.stock.free() > 0 {
            let rule = format!(
                "cannot be set while the variant has {} free units of its own: set its stock to 0 first",
                variant.stock.free()
            );
            return Err(broken(&format!("{path}draws"), "has-stock", rule));
        }
        Ok(Some(Drawn {
            item: item.id,
            sku: Some(item.sku),
            units: draws.units,
            free: item.free,
        }))
    }
}

/// The variant with what a draft says of it but for the stock that it draws on.
fn changed(path: &str, variant: Variant, draft: &VariantDraft) -> Result<Variant, ProductError> {
    let mut errors = Vec::new();
    let price = draft
        .price
        .map(|price| Price::parse(&format!("{path}price"), price));
    let price = price.transpose().map_err(|error| errors.push(error));
    if draft.stock.is_some() && matches!(draft.draws, Some(Some(_))) {
        let rule = "cannot be set of a variant that draws on another stock";
        errors.push(broken(&format!("{path}stock"), "exclusive", rule));
    }
    if let Some(Some(draws)) = &draft.draws
        && !(1..=DRAWN_UNITS_MAX).contains(&draws.units)
    {
        let rule = format!("must be 1 to {DRAWN_UNITS_MAX}");
        errors.push(broken(&format!("{path}draws.units"), "range", rule));
    }
    let stock = match draft.stock {
        Some(change) => changed_stock(path, variant.stock, change),
        None => Ok(variant.stock),
    };
    match (price, stock) {
        (Ok(price), Ok(stock)) if errors.is_empty() => Ok(Variant {
            sku: draft.sku.clone().unwrap_or(variant.sku),
            price: price.unwrap_or(variant.price),
            weight: draft.weight.unwrap_or(variant.weight),
            stock,
            ..variant
        }),
        (_, Err(ProductError::Invalid(more))) => {
            errors.extend(more);
            Err(ProductError::Invalid(errors))
        }
        (_, Err(refused)) if errors.is_empty() => Err(refused),
        _ => Err(ProductError::Invalid(errors)),
    }
}

/// What is wrong with variants that were sent, whatever the product is.
#[must_use]
pub fn check(drafts: &[VariantDraft]) -> Vec<FieldError> {
    if drafts.len() > VARIANTS_MAX {
        let rule = format!("must not have more than {VARIANTS_MAX} entries");
        return vec![broken("variants", "max", rule)];
    }
    let blank = Variant {
        id: ProductId::placeholder(),
        sku: None,
        price: Price::stored(Money::ZERO),
        weight: Weight::default(),
        choices: Vec::new(),
        stock: Stock::default(),
        draws: None,
        version: 0,
        created_at: 0,
        updated_at: 0,
    };
    let drafts = drafts.iter().enumerate();
    let broken = drafts.flat_map(|(index, draft)| {
        match changed(&format!("variants[{index}]."), blank.clone(), draft) {
            Err(ProductError::Invalid(errors)) => errors,
            _ => Vec::new(),
        }
    });
    broken.collect()
}

/// What the variants before one have taken for themselves.
#[derive(Default)]
struct Seen {
    ids: BTreeSet<ProductId>,
    choices: BTreeSet<Vec<Choice>>,
    skus: BTreeSet<String>,
}

impl Seen {
    fn check(
        &mut self,
        path: &str,
        draft: &VariantDraft,
        variant: &Variant,
    ) -> Result<(), Vec<FieldError>> {
        let mut errors = Vec::new();
        if !self.choices.insert(variant.choices.clone()) {
            let rule = "are those of another variant";
            errors.push(broken(&format!("{path}options"), "repeated", rule));
        }
        if !self.ids.insert(variant.id) && errors.is_empty() {
            let rule = "is that of another entry";
            errors.push(broken(&format!("{path}id"), "repeated", rule));
        }
        let sku = draft.sku.clone().unwrap_or_else(|| variant.sku.clone());
        if let Some(sku) = sku
            && !self.skus.insert(sku.as_str().to_owned())
        {
            let rule = "is that of another variant";
            errors.push(broken(&format!("{path}sku"), "repeated", rule));
        }
        if errors.is_empty() {
            Ok(())
        } else {
            Err(errors)
        }
    }
}

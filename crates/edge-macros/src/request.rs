use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned};
use syn::parse::Parser;
use syn::spanned::Spanned;
use syn::{
    Attribute, Expr, Field, Fields, GenericArgument, ItemStruct, LitStr, Meta, PathArguments,
    Result, Token, Type, parse_quote,
};

/// How a member or parameter comes.
enum Presence<'a> {
    /// It must be there.
    Required(&'a Type),
    /// It may be absent.
    Optional(&'a Type),
    /// It may be absent or `null`, which is the same.
    Nullable(&'a Type),
    /// It may be absent or `null`, which are told apart.
    Distinct(&'a Type),
}

pub fn body(options: TokenStream, mut item: ItemStruct) -> Result<TokenStream> {
    let Options { pair, schema } = options_of(options)?;
    let mut reads = Vec::new();
    let mut names = Vec::new();
    for field in named_fields(&mut item)? {
        let mark = take_mark(field, "field", &["null", "object", "values"])?;
        let name = wire_name(field, "schema")?;
        let ident = &field.ident;
        names.push((ident.clone(), name.clone()));
        let presence = presence(&field.ty, mark == Some("null"));
        let read = match &presence {
            Presence::Required(ty) if mark == Some("object") => {
                quote_spanned!(at(ty)=> fields.required_object::<#ty>(#name))
            }
            Presence::Optional(ty) if mark == Some("object") => {
                quote_spanned!(at(ty)=> fields.optional_object::<#ty>(#name))
            }
            Presence::Distinct(ty) if mark == Some("object") => {
                quote_spanned!(at(ty)=> fields.nullable_object::<#ty>(#name))
            }
            Presence::Required(ty) => required(field, ty, &name, mark)?,
            Presence::Optional(ty) => match list(field, ty, mark)? {
                Some(List::Objects(element, max)) => {
                    quote_spanned!(at(ty)=> fields.optional_objects(#name, #max, <#element as ::mercato_edge::FromFields>::from_fields))
                }
                Some(List::Values(element, max)) => {
                    quote_spanned!(at(ty)=> fields.optional_values::<#element>(#name, #max))
                }
                None => quote_spanned!(at(ty)=> fields.optional::<#ty>(#name)),
            },
            Presence::Nullable(ty) => {
                quote_spanned!(at(ty)=> fields.nullable::<#ty>(#name).flatten())
            }
            Presence::Distinct(ty) => quote_spanned!(at(ty)=> fields.nullable::<#ty>(#name)),
        };
        reads.push(quote!(#ident: #read));
        let shown: Option<Attribute> = match presence {
            Presence::Required(_) => None,
            Presence::Optional(ty) => {
                Some(parse_quote!(#[schema(value_type = #ty, required = false)]))
            }
            Presence::Nullable(ty) | Presence::Distinct(ty) => {
                Some(parse_quote!(#[schema(value_type = Option<#ty>, required = false)]))
            }
        };
        if !says(field, "schema", "value_type") {
            field.attrs.extend(shown);
        }
    }
    let all_names: Vec<&LitStr> = names.iter().map(|(_, name)| name).collect();
    let name = item.ident.clone();
    let schema = (!schema.is_empty()).then(|| quote!(#[schema(#(#schema),*)]));
    let describe = quote! {
        #[derive(::utoipa::ToSchema)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        #schema
    };
    let (described, together) = match pair {
        None => (quote!(#describe #item), None),
        Some(pair) => {
            let (one, other) = names_of(&pair.fields, &names)?;
            let together = if pair.is_required {
                quote!(fields.require_either(#one, #other);)
            } else {
                quote!(fields.reject_both(#one, #other);)
            };
            let is_required = pair.is_required;
            let schema = quote!([#one, #other], #is_required);
            (exclusively(&item, &describe, &schema), Some(together))
        }
    };
    Ok(quote! {
        #described

        impl ::mercato_edge::FromFields for #name {
            const NAMES: &'static [&'static str] = &[#(#all_names),*];

            fn from_fields(fields: &mut ::mercato_edge::Fields) -> Self {
                #together
                Self { #(#reads),* }
            }
        }
    })
}

/// The names of two fields for clients.
fn names_of(
    pair: &[syn::Ident; 2],
    names: &[(Option<syn::Ident>, LitStr)],
) -> Result<(LitStr, LitStr)> {
    let name_of = |wanted: &syn::Ident| {
        let known = names
            .iter()
            .find(|(ident, _)| ident.as_ref() == Some(wanted));
        known
            .map(|(_, name)| name.clone())
            .ok_or_else(|| syn::Error::new(wanted.span(), "expected the name of a field"))
    };
    let [one, other] = pair;
    Ok((name_of(one)?, name_of(other)?))
}

/// The struct, whose schema is that of all of its fields with one or the other left out, as `pair` says.
fn exclusively(item: &ItemStruct, describe: &TokenStream, pair: &TokenStream) -> TokenStream {
    let name = &item.ident;
    let mut whole = item.clone();
    whole.ident = quote::format_ident!("{name}Whole");
    whole.vis = syn::Visibility::Inherited;
    whole
        .attrs
        .retain(|attribute| attribute.path().is_ident("doc"));
    let whole_name = &whole.ident;
    let mut plain = item.clone();
    for field in named_fields(&mut plain).into_iter().flatten() {
        field
            .attrs
            .retain(|attribute| !attribute.path().is_ident("schema"));
    }
    quote! {
        #plain

        const _: () = {
            #describe
            #[allow(dead_code, missing_docs, reason = "all fields together, for the schema")]
            #whole

            impl ::utoipa::PartialSchema for #name {
                fn schema() -> ::utoipa::openapi::RefOr<::utoipa::openapi::Schema> {
                    ::mercato_edge::endpoint::either(<#whole_name as ::utoipa::PartialSchema>::schema(), #pair)
                }
            }

            impl ::utoipa::ToSchema for #name {
                fn name() -> ::std::borrow::Cow<'static, str> {
                    <#whole_name as ::utoipa::ToSchema>::name()
                }

                fn schemas(schemas: &mut ::std::vec::Vec<(::std::string::String, ::utoipa::openapi::RefOr<::utoipa::openapi::Schema>)>) {
                    <#whole_name as ::utoipa::ToSchema>::schemas(schemas);
                }
            }
        };
    }
}

/// Where a type stands, for the names that stand beside it here: another macro may have passed the type on.
fn at(ty: &Type) -> Span {
    ty.span().resolved_at(Span::call_site())
}

/// A list of at most so many.
enum List<'a> {
    Objects(&'a Type, Expr),
    Values(&'a Type, Expr),
}

/// The list that a type is: of objects, or of values when it is marked so.
fn list<'a>(field: &Field, ty: &'a Type, mark: Option<&str>) -> Result<Option<List<'a>>> {
    let Some(element) = argument(ty, "Vec") else {
        return Ok(None);
    };
    let max = constraint(field, "schema", "max_items")?.ok_or_else(|| {
        syn::Error::new(
            ty.span(),
            "say how many there may be: #[schema(max_items = …)]",
        )
    })?;
    Ok(Some(match mark {
        Some("values") => List::Values(element, max),
        _ => List::Objects(element, max),
    }))
}

/// A list, a number within a range, or any other value.
fn required(field: &Field, ty: &Type, name: &LitStr, mark: Option<&str>) -> Result<TokenStream> {
    match list(field, ty, mark)? {
        Some(List::Objects(element, max)) => {
            return Ok(
                quote_spanned!(at(ty)=> fields.objects(#name, #max, <#element as ::mercato_edge::FromFields>::from_fields)),
            );
        }
        Some(List::Values(element, max)) => {
            return Ok(quote_spanned!(at(ty)=> fields.values::<#element>(#name, #max)));
        }
        None => {}
    }
    let (minimum, maximum) = (
        constraint(field, "schema", "minimum")?,
        constraint(field, "schema", "maximum")?,
    );
    Ok(match (is(ty, "u32"), minimum, maximum) {
        (true, Some(minimum), Some(maximum)) => {
            quote_spanned!(at(ty)=> fields.required_within(#name, #minimum..=#maximum))
        }
        _ => quote_spanned!(at(ty)=> fields.required::<#ty>(#name)),
    })
}

pub fn query(options: TokenStream, mut item: ItemStruct) -> Result<TokenStream> {
    let Options { pair, schema } = options_of(options)?;
    let message = "expected exclusive(one, other)";
    if let Some(other) = schema.first() {
        return Err(syn::Error::new(other.span(), message));
    }
    if let Some(Pair {
        fields: [one, _],
        is_required: true,
    }) = &pair
    {
        return Err(syn::Error::new(one.span(), message));
    }
    let (mut reads, mut flattened, mut names) = (Vec::new(), Vec::new(), Vec::new());
    for field in named_fields(&mut item)? {
        let ident = field.ident.clone();
        let ty = field.ty.clone();
        let mark = take_mark(field, "query", &["flatten", "admin"])?;
        if mark == Some("flatten") {
            reads.push(
                quote_spanned!(at(&ty)=> #ident: <#ty as ::mercato_edge::FromQuery>::from_query(query)),
            );
            field.attrs.push(parse_quote!(#[param(ignore)]));
            flattened.push(ty);
            continue;
        }
        let name = wire_name(field, "param")?;
        names.push((ident.clone(), name.clone()));
        let Some(ty) = argument(&ty, "Option") else {
            let message = "a parameter may be absent: make its type an Option";
            return Err(syn::Error::new(ty.span(), message));
        };
        reads.push(if let Some(element) = argument(ty, "Vec") {
            let max = constraint(field, "param", "max_items")?.ok_or_else(|| {
                syn::Error::new(
                    ty.span(),
                    "say how many there may be: #[param(max_items = …)]",
                )
            })?;
            quote_spanned!(at(ty)=> #ident: query.list::<#element>(#name, #max))
        } else if mark == Some("admin") {
            quote_spanned!(at(ty)=> #ident: query.optional_of_admin::<#ty>(#name))
        } else {
            quote_spanned!(at(ty)=> #ident: query.optional::<#ty>(#name))
        });
        if !says(field, "param", "value_type") {
            field
                .attrs
                .push(parse_quote!(#[param(value_type = #ty, required = false)]));
        }
    }
    let name = &item.ident;
    let pair = pair
        .map(|pair| names_of(&pair.fields, &names))
        .transpose()?;
    let together = pair.map(|(one, other)| quote!(query.reject_both(#one, #other);));
    Ok(quote! {
        #[derive(::utoipa::IntoParams)]
        #[into_params(parameter_in = Query, rename_all = "camelCase")]
        #item

        impl ::mercato_edge::FromQuery for #name {
            fn from_query(query: &mut ::mercato_edge::QueryString) -> Self {
                #together
                Self { #(#reads),* }
            }

            #[cfg(not(target_family = "wasm"))]
            fn parameters() -> ::std::vec::Vec<::utoipa::openapi::path::Parameter> {
                let mut parameters = <Self as ::utoipa::IntoParams>::into_params(|| ::std::option::Option::None);
                #(parameters.extend(<#flattened as ::mercato_edge::FromQuery>::parameters());)*
                parameters
            }
        }
    })
}

/// What stands in the attribute of the struct.
struct Options {
    /// Two fields of which one may be given.
    pair: Option<Pair>,
    /// For `#[schema(…)]`.
    schema: Vec<TokenStream>,
}

/// Two fields of which one may be given.
struct Pair {
    fields: [syn::Ident; 2],
    /// One of them must be.
    is_required: bool,
}

fn options_of(options: TokenStream) -> Result<Options> {
    let mut found = Options {
        pair: None,
        schema: Vec::new(),
    };
    // An example may be any expression, a name may follow `as`: only what is ours is looked into.
    let parser = |input: syn::parse::ParseStream<'_>| {
        while !input.is_empty() {
            let mut option = TokenStream::new();
            let name = input.fork().parse::<syn::Ident>();
            let name = name.map(|name| name.to_string()).unwrap_or_default();
            if name == "exclusive" || name == "either" {
                input.parse::<syn::Ident>()?;
                let fields;
                syn::parenthesized!(fields in input);
                let one = fields.parse()?;
                fields.parse::<Token![,]>()?;
                found.pair = Some(Pair {
                    fields: [one, fields.parse()?],
                    is_required: name == "either",
                });
            } else {
                while !input.is_empty() && !input.peek(Token![,]) {
                    let token: TokenTree = input.parse()?;
                    option.extend([token]);
                }
                found.schema.push(option);
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(())
    };
    parser.parse2(options)?;
    Ok(found)
}

fn named_fields(item: &mut ItemStruct) -> Result<impl Iterator<Item = &mut Field>> {
    match &mut item.fields {
        Fields::Named(fields) => Ok(fields.named.iter_mut()),
        other => Err(syn::Error::new(other.span(), "expected named fields")),
    }
}

fn presence(ty: &Type, takes_null: bool) -> Presence<'_> {
    match argument(ty, "Option") {
        None => Presence::Required(ty),
        Some(inner) => match argument(inner, "Option") {
            Some(innermost) => Presence::Distinct(innermost),
            None if takes_null => Presence::Nullable(inner),
            None => Presence::Optional(inner),
        },
    }
}

/// `T` of `Name<T>`.
fn argument<'a>(ty: &'a Type, name: &str) -> Option<&'a Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    match arguments.args.first() {
        Some(GenericArgument::Type(inner)) if last.ident == name => Some(inner),
        _ => None,
    }
}

fn is(ty: &Type, name: &str) -> bool {
    matches!(ty, Type::Path(path) if path.path.is_ident(name))
}

/// Takes the attribute `#[attribute(mark)]` off a field, with one of these marks.
fn take_mark(
    field: &mut Field,
    attribute: &str,
    marks: &[&'static str],
) -> Result<Option<&'static str>> {
    let mut found = None;
    let mut rest = Vec::new();
    for given in std::mem::take(&mut field.attrs) {
        if !given.path().is_ident(attribute) {
            rest.push(given);
            continue;
        }
        let name: syn::Ident = given.parse_args()?;
        found = marks.iter().copied().find(|mark| name == mark);
        if found.is_none() {
            let message = format!("expected {}", marks.join(" or "));
            return Err(syn::Error::new(name.span(), message));
        }
    }
    field.attrs = rest;
    Ok(found)
}

/// What stands in `#[attribute(…)]`, by name; the tokens after the `=`, if there is one. A type may stand where an attribute
/// has an expression, so it is not read as `syn::Meta`.
fn entries(field: &Field, attribute: &str) -> Vec<(String, TokenStream)> {
    let mut entries = Vec::new();
    for given in &field.attrs {
        let Meta::List(list) = &given.meta else {
            continue;
        };
        if !list.path.is_ident(attribute) {
            continue;
        }
        let tokens: Vec<TokenTree> = list.tokens.clone().into_iter().collect();
        let is_comma =
            |token: &TokenTree| matches!(token, TokenTree::Punct(mark) if mark.as_char() == ',');
        for entry in tokens.split(is_comma) {
            if let [TokenTree::Ident(name), rest @ ..] = entry {
                entries.push((name.to_string(), rest.iter().skip(1).cloned().collect()));
            }
        }
    }
    entries
}

/// The value of `name = value` in `#[attribute(…)]`.
fn constraint(field: &Field, attribute: &str, name: &str) -> Result<Option<Expr>> {
    let mut entries = entries(field, attribute).into_iter();
    let found = entries.find(|(known, _)| known == name);
    found.map(|(_, value)| syn::parse2(value)).transpose()
}

fn says(field: &Field, attribute: &str, name: &str) -> bool {
    let entries = entries(field, attribute);
    entries.iter().any(|(known, _)| known == name)
}

/// The name in camel case, or what the attribute renames it to.
fn wire_name(field: &Field, attribute: &str) -> Result<LitStr> {
    let ident = field.ident.as_ref();
    let span = ident.map_or_else(|| field.span(), syn::Ident::span);
    if let Some(Expr::Lit(syn::ExprLit {
        lit: syn::Lit::Str(renamed),
        ..
    })) = constraint(field, attribute, "rename")?
    {
        return Ok(renamed);
    }
    let name = ident.map(ToString::to_string).unwrap_or_default();
    let mut camel = String::with_capacity(name.len());
    let mut starts_word = false;
    for character in name.trim_start_matches("r#").chars() {
        if character == '_' {
            starts_word = true;
        } else if std::mem::take(&mut starts_word) {
            camel.extend(character.to_uppercase());
        } else {
            camel.push(character);
        }
    }
    Ok(LitStr::new(&camel, span))
}

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::parse::{Parse, ParseStream};
use syn::{
    Attribute, Expr, ExprLit, FnArg, Ident, ItemFn, Lit, LitInt, LitStr, Meta, Path, Result,
    ReturnType, Token, Type,
};

/// What stands in `#[endpoint(…)]`.
pub struct Declaration {
    method: Ident,
    pattern: LitStr,
    access: Option<Ident>,
    tag: Option<LitStr>,
    id: Option<LitStr>,
    returns: Option<LitStr>,
    body: Option<Expr>,
    describe: Option<Path>,
    answers: Vec<Answer>,
}

/// A further answer.
struct Answer {
    status: LitInt,
    shown: Option<Type>,
    meaning: LitStr,
}

impl Parse for Declaration {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut declaration = Self {
            method: input.parse()?,
            pattern: input.parse()?,
            access: None,
            tag: None,
            id: None,
            returns: None,
            body: None,
            describe: None,
            answers: Vec::new(),
        };
        while !input.is_empty() {
            input.parse::<Token![,]>()?;
            if input.is_empty() {
                break;
            }
            if input.peek(LitInt) {
                declaration.answers.push(input.parse()?);
                continue;
            }
            let name: Ident = input.parse()?;
            input.parse::<Token![=]>()?;
            match name.to_string().as_str() {
                "access" => declaration.access = Some(input.parse()?),
                "tag" => declaration.tag = Some(input.parse()?),
                "id" => declaration.id = Some(input.parse()?),
                "returns" => declaration.returns = Some(input.parse()?),
                "body" => declaration.body = Some(input.parse()?),
                "describe" => declaration.describe = Some(input.parse()?),
                _ => {
                    let expected =
                        "expected access, tag, id, returns, body, describe or a status code";
                    return Err(syn::Error::new(name.span(), expected));
                }
            }
        }
        Ok(declaration)
    }
}

impl Parse for Answer {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let status = input.parse()?;
        let shown = if input.peek(Token![:]) {
            input.parse::<Token![:]>()?;
            Some(input.parse()?)
        } else {
            None
        };
        input.parse::<Token![=]>()?;
        let meaning = input.parse()?;
        Ok(Self {
            status,
            shown,
            meaning,
        })
    }
}

pub fn expand(declaration: &Declaration, function: &ItemFn) -> Result<TokenStream> {
    let Declaration {
        method, pattern, ..
    } = declaration;
    let name = &function.sig.ident;
    let Some(access) = &declaration.access else {
        let message = "say who may call it: access = Public, Optional, Guest, GuestBearer, GuestSession, Bearer, Session or Admin";
        return Err(syn::Error::new(pattern.span(), message));
    };
    let mut arguments = arguments(function)?;
    let answer = answer(function)?;
    let constant = format_ident!("{}", name.to_string().to_uppercase(), span = name.span());
    let visibility = &function.vis;
    // The whole request goes to who asks for it once all else is read, so that nobody copies it.
    let given: Vec<Ident> = (0..)
        .zip(&arguments)
        .map(|(index, argument)| {
            if is_context(argument) {
                format_ident!("context")
            } else {
                format_ident!("argument_{index}")
            }
        })
        .collect();
    let read: Vec<&Ident> = given.iter().filter(|name| *name != "context").collect();
    arguments.retain(|argument| !is_context(argument));
    let body = match &declaration.body {
        Some(rule) => quote!(#rule),
        None => quote! {
            ::mercato_edge::endpoint::body_of(
                &[#(<#arguments as ::mercato_edge::FromContext>::BODY),*],
            )
        },
    };
    let description = description(declaration, function, &arguments, &answer)?;
    let shown = declaration
        .answers
        .iter()
        .filter_map(|answer| answer.shown.as_ref());
    let documentation = format!("`{method} {}`, answered by [`{name}`].", pattern.value());
    Ok(quote! {
        #function

        #[doc = #documentation]
        #visibility const #constant: ::mercato_edge::Route = {
            const ACCESS: ::mercato_edge::Access = ::mercato_edge::Access::#access;
            #(
                const _: () = assert!(
                    !<#arguments as ::mercato_edge::FromContext>::NEEDS_CALLER || ACCESS.has_caller(),
                    "an argument needs a caller, and this access lets requests in without one"
                );
            )*
            // A component describes nothing, and the types are those of the document all the same.
            #(const _: ::std::marker::PhantomData<#shown> = ::std::marker::PhantomData;)*
            const READS_QUERY: bool = false #(|| <#arguments as ::mercato_edge::FromContext>::READS_QUERY)*;
            ::mercato_edge::Route {
                method: ::mercato_edge::Method::#method,
                pattern: #pattern,
                access: ACCESS,
                body: #body,
                handler: |context| ::std::boxed::Box::pin(async move {
                    if !READS_QUERY {
                        context.query_string().finish()?;
                    }
                    #(let #read = <#arguments as ::mercato_edge::FromContext>::from_context(&context).await?;)*
                    let answer: #answer = #name(#(#given),*).await?;
                    ::mercato_edge::Answer::into_reply(answer)
                }),
                #[cfg(not(target_family = "wasm"))]
                describe: #description,
            }
        };
    })
}

fn description(
    declaration: &Declaration,
    function: &ItemFn,
    arguments: &[Type],
    answer: &Type,
) -> Result<TokenStream> {
    let Some(id) = &declaration.id else {
        return Ok(quote!(::std::option::Option::None));
    };
    let missing = |what| {
        let message = format!("an operation of the document needs {what}");
        syn::Error::new(id.span(), message)
    };
    let tag = declaration
        .tag
        .as_ref()
        .ok_or_else(|| missing("a tag: tag = \"…\""))?;
    let returns = declaration.returns.as_ref();
    let returns = returns.ok_or_else(|| missing("to say what it returns: returns = \"…\""))?;
    let (summary, description) = texts(&function.attrs);
    if summary.is_empty() {
        return Err(missing("a comment, whose first paragraph is its summary"));
    }
    let description = if description.is_empty() {
        quote!(::std::option::Option::None)
    } else {
        quote!(::std::option::Option::Some(#description))
    };
    let mut further = Vec::new();
    for Answer {
        status,
        shown,
        meaning,
    } in &declaration.answers
    {
        let code: u16 = status.base10_parse()?;
        further.push(match (shown, code) {
            (None, 400..) => quote!(description.problem(#status, #meaning);),
            (None, _) => quote!(description.answer(#status, #meaning);),
            (Some(shown), 400..) => quote!(description.problem_of::<#shown>(#status, #meaning);),
            (Some(shown), _) => {
                quote!(<#shown as ::mercato_edge::Answer>::describe(&mut description, #status, #meaning);)
            }
        });
    }
    let more = declaration
        .describe
        .as_ref()
        .map(|more| quote!(#more(&mut description);));
    Ok(quote! {
        ::std::option::Option::Some(|| {
            let mut description = ::mercato_edge::Description::new(#id, #tag, #summary, #description);
            #(<#arguments as ::mercato_edge::FromContext>::describe(&mut description);)*
            <#answer as ::mercato_edge::Answer>::describe(
                &mut description,
                <#answer as ::mercato_edge::Answer>::STATUS,
                #returns,
            );
            #(#further)*
            #more
            description
        })
    })
}

fn arguments(function: &ItemFn) -> Result<Vec<Type>> {
    let inputs = function.sig.inputs.iter();
    inputs
        .map(|argument| match argument {
            FnArg::Typed(argument) => Ok((*argument.ty).clone()),
            FnArg::Receiver(receiver) => Err(syn::Error::new_spanned(
                receiver,
                "an endpoint is a free function",
            )),
        })
        .collect()
}

fn is_context(argument: &Type) -> bool {
    matches!(argument, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Context"))
}

/// `T` of `Result<T, Problem>`.
fn answer(function: &ItemFn) -> Result<Type> {
    let refuse = |span: Span| syn::Error::new(span, "an endpoint returns Result<Answer, Problem>");
    let ReturnType::Type(_, returned) = &function.sig.output else {
        return Err(refuse(function.sig.ident.span()));
    };
    if let Type::Path(path) = &**returned
        && let Some(last) = path.path.segments.last()
        && last.ident == "Result"
        && let syn::PathArguments::AngleBracketed(arguments) = &last.arguments
        && let Some(syn::GenericArgument::Type(answer)) = arguments.args.first()
    {
        return Ok(answer.clone());
    }
    Err(refuse(function.sig.ident.span()))
}

/// The first paragraph of the comment, and the others.
fn texts(attributes: &[Attribute]) -> (String, String) {
    let lines = attributes.iter().filter_map(|attribute| {
        let Meta::NameValue(pair) = &attribute.meta else {
            return None;
        };
        match &pair.value {
            Expr::Lit(ExprLit {
                lit: Lit::Str(text),
                ..
            }) if pair.path.is_ident("doc") => Some(text.value().trim().to_owned()),
            _ => None,
        }
    });
    let lines: Vec<String> = lines.collect();
    let mut paragraphs = lines.split(String::is_empty).map(|lines| lines.join(" "));
    let summary = paragraphs.next().unwrap_or_default();
    let rest: Vec<String> = paragraphs.filter(|text| !text.is_empty()).collect();
    (summary, rest.join("\n\n"))
}

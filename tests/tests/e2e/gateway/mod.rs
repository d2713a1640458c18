mod authorisation;
mod bodies;
mod conditions;
mod greeting;
mod headers;
mod health;
mod methods;
mod paths;

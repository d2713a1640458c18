mod authorisation;
mod bodies;
mod greeting;
mod headers;
mod health;
mod methods;
mod paths;

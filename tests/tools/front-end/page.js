// The page around the README's shop.js: what is shown, and what happens when somebody presses a button.
import { change, list, logIn, openCheckout, order, orderCheckout, pay, register, settled, titleOf } from "./shop.js";

const part = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);

/** What is about to be ordered: products as they were shown, and how many of each. */
const basket = [];
/** The key of the order that is about to be placed: the same when it is sent again, another one when something else is ordered. */
let key = crypto.randomUUID();
/** What a guest has filled in, with its quote. */
let checkout;

part("search").addEventListener("submit", (event) => {
  event.preventDefault();
  heed(() => show(event.target.elements.words.value));
});

part("account").addEventListener("submit", (event) => {
  event.preventDefault();
  const { name, email, password } = event.target.elements;
  heed(async () => {
    const isNew = event.submitter.value === "register";
    const user = isNew
      ? await register(name.value, email.value, password.value)
      : await logIn(email.value, password.value);
    part("who").textContent = `${user.name} is ${isNew ? "registered" : "logged in"}.`;
  });
});

part("place").addEventListener("click", () => heed(place));

part("guest").addEventListener("submit", (event) => {
  event.preventDefault();
  heed(() => fillIn(event.target.elements));
});

part("place-as-guest").addEventListener("click", () => heed(placeAsGuest));

if (query.has("order")) {
  await heed(() => comeBack(query.get("order"), query.get("checkout")));
} else {
  part("shop").hidden = false;
  await heed(() => show(""));
}

/** Runs what a button does; a refusal is shown, whatever it is. */
async function heed(work) {
  const message = part("message");
  message.hidden = true;
  try {
    await work();
  } catch (error) {
    message.textContent = error.message;
    message.hidden = false;
    for (const { field, message: rule } of error.problem?.errors ?? []) {
      message.textContent += `\n${field}: ${rule}`;
    }
  }
}

async function show(words) {
  const { data } = await list(words);
  part("products").replaceChildren(...data.map((product) => {
    const line = document.createElement("li");
    const button = document.createElement("button");
    button.textContent = `Add ${product.name}`;
    button.addEventListener("click", () => put(product));
    line.append(`${product.name}: ${product.price.toFixed(2)}`, button);
    return line;
  }));
  showBasket();
}

function put(product) {
  const line = basket.find((line) => line.product.id === product.id);
  if (line) {
    line.quantity += 1;
  } else {
    basket.push({ product, quantity: 1 });
  }
  key = crypto.randomUUID();
  showBasket();
}

function showBasket() {
  part("basket").replaceChildren(...basket.map(({ product, quantity }) => {
    const line = document.createElement("li");
    line.textContent = `${quantity} × ${product.name}: ${(product.price * quantity).toFixed(2)}`;
    return line;
  }));
  part("total").textContent = total().toFixed(2);
}

function total() {
  return basket.reduce((sum, { product, quantity }) => sum + product.price * quantity, 0);
}

async function place() {
  try {
    const placed = await order(basket, total(), key);
    await pay(placed.id);
  } catch (error) {
    heedChanges(error.problem);
    throw error;
  }
}

async function fillIn({ name, email, line1, postalCode, city, country }) {
  const shippingAddress = {
    name: name.value,
    line1: line1.value,
    postalCode: postalCode.value,
    city: city.value,
    country: country.value,
  };
  const parts = { email: email.value, shippingAddress };
  showQuote(await change(await openCheckout(basket), parts));
}

function showQuote(shown) {
  checkout = shown;
  showLines("quote", checkout.lines);
  part("quote-total").textContent = `${checkout.totals.total.toFixed(2)} ${checkout.currency}`;
  part("quote-part").hidden = checkout.missing.length > 0;
}

function showLines(id, lines) {
  part(id).replaceChildren(...lines.map((told) => {
    const line = document.createElement("li");
    const total = told.total ?? told.price * told.quantity;
    line.textContent = `${told.quantity} × ${titleOf(told)}: ${total.toFixed(2)}`;
    return line;
  }));
}

async function placeAsGuest() {
  try {
    await orderCheckout(checkout, key);
  } catch (error) {
    // The customer sees what it is now, and decides.
    if (error.problem?.checkout) showQuote({ ...checkout, ...error.problem.checkout });
    key = crypto.randomUUID();
    throw error;
  }
}

/** What the shop says of the lines: prices as they are now, or how many are left. The customer sees them and decides. */
function heedChanges(problem) {
  if (!problem?.lines) return;
  for (const told of problem.lines) {
    const line = basket.find(({ product }) => product.id === told.productId);
    line.product.price = told.price ?? line.product.price;
    line.quantity = told.available ?? line.quantity;
  }
  key = crypto.randomUUID();
  basket.splice(0, basket.length, ...basket.filter(({ quantity }) => quantity > 0));
  showBasket();
}

async function comeBack(id, checkout) {
  part("order").hidden = false;
  const found = await settled(id, checkout);
  part("number").textContent = found.number;
  part("status").textContent = found.status;
  showLines("ordered", found.items);
  part("paid").textContent = `${found.totalAmount.toFixed(2)} ${found.currency}`;
  part("pay").hidden = found.status !== "PENDING";
  part("pay").addEventListener("click", () => heed(() => pay(id)));
}

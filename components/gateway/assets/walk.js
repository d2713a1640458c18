// A first purchase, by clicking: every step opens its operation with the values in it that the steps before have brought.
"use strict";

/** Swagger UI has drawn an operation when so many frames have passed. */
const FRAMES_OF_DRAWING = 20;

/** What the answers on this page have told so far. */
const purchase = {
  told: {},
  listeners: new Set(),

  tell(news) {
    this.told = { ...this.told, ...news };
    for (const listener of this.listeners) {
      listener();
    }
  },

  subscribe(listener) {
    purchase.listeners.add(listener);
    return () => purchase.listeners.delete(listener);
  },
};

/** Looks at an answer on its way to the page. Who logs in goes on with that token. */
function learn(response) {
  const { pathname } = new URL(response.url, document.baseURI);
  const body = response.ok && typeof response.obj === "object" ? response.obj : null;
  if (body?.accessToken && pathname.startsWith("/api/v1/auth/")) {
    const schema = window.ui.specSelectors.specJson().getIn(["components", "securitySchemes", "bearer"]).toJS();
    window.ui.authActions.authorizeWithPersistOption({ bearer: { name: "bearer", schema, value: body.accessToken } });
    const isAnother = purchase.told.account !== body.user.email;
    const nothing = { order: undefined, pay: undefined, seen: undefined };
    purchase.tell({ account: body.user.email, ...(isAnother ? nothing : {}) });
  } else if (pathname === "/api/v1/products" && Array.isArray(body?.data)) {
    const product = body.data.find((product) => product.available);
    purchase.tell({ product: undefined, isEmpty: body.data.length === 0 });
    sold(product).then((product) => purchase.tell({ product }));
  } else if (body?.paymentSession) {
    purchase.tell({ order: body.order, pay: body.paymentSession.url });
  } else if (body && pathname.startsWith("/api/v1/orders/id/")) {
    purchase.tell({ seen: body });
  }
  return response;
}

/** What is ordered of a product: itself, or the first of its variants that there is. */
async function sold(product) {
  if (!product?.options.length) {
    return product;
  }
  const response = await fetch(new URL(`/api/v1/products/${product.id}`, document.baseURI));
  const { variants } = await response.json();
  const variant = variants.find((variant) => variant.available);
  return { ...product, ...variant, name: titleOf({ ...variant, name: product.name }) };
}

/** What a line or a variant is called: the product, and what was chosen of its options. */
function titleOf({ name, options }) {
  return [name, options.map(({ value }) => value).join(", ")].filter(Boolean).join(" – ");
}

function walkPlugin(system) {
  const { React } = system;
  const h = React.createElement;

  /** Opens an operation, goes there, and fills it in once it is drawn. */
  const show = (tag, operation, fillIn) => {
    window.ui.layoutActions.updateFilter("");
    window.ui.layoutActions.show(["operations-tag", tag], true);
    window.ui.layoutActions.show(["operations", tag, operation], true);
    const finish = () => {
      const block = document.getElementById(`operations-${tag}-${operation}`);
      const execute = block?.querySelector(".execute");
      if (!execute) {
        requestAnimationFrame(finish);
        return;
      }
      fillIn();
      block.scrollIntoView({ block: "start" });
      execute.focus({ preventScroll: true });
    };
    finish();
  };

  /** Fills in a body, again if need be: while an operation is drawn, Swagger UI fills in its own example. */
  const fillBody = (path, body, frames = FRAMES_OF_DRAWING) => {
    const value = JSON.stringify(body, null, 2);
    if (window.ui.oas3Selectors.requestBodyValue(path, "post") !== value) {
      window.ui.oas3Actions.setRequestBodyValue({ value, pathMethod: [path, "post"] });
    }
    if (frames > 0) {
      requestAnimationFrame(() => fillBody(path, body, frames - 1));
    }
  };

  const fill = (path, name, place, value) =>
    window.ui.specActions.changeParam([path, "get"], name, place, value, false);

  const register = () => {
    const letters = crypto.getRandomValues(new Uint32Array(1))[0].toString(36);
    const email = `ada-${letters}@example.com`;
    const body = { name: "Ada Lovelace", email, password: "Engine-No-1" };
    show("Accounts", "register", () => fillBody("/api/v1/auth/register", body));
  };

  const look = () =>
    show("Catalogue", "listProducts", () => fill("/api/v1/products", "inStock", "query", "true"));

  const order = (product) => {
    const body = { items: [{ variantId: product.id, quantity: 1 }] };
    show("Orders", "createOrder", () => fillBody("/api/v1/orders", body));
  };

  const read = (placed) =>
    show("Orders", "getOrder", () => fill("/api/v1/orders/id/{id}", "id", "path", placed.id));

  const button = (text, isReady, onClick) => h("button", { type: "button", disabled: !isReady, onClick }, text);

  const steps = ({ account, product, isEmpty, order: placed, pay, seen }) => [
    {
      does: button("Open an account", true, register),
      says: account ? `You are ${account}, and this page sends your token from now on.` : "Anybody may. Press Execute there.",
      isDone: Boolean(account),
    },
    {
      does: button("Look at the catalogue", true, look),
      says: product
        ? `${product.name} for ${product.price} ${product.currency}`
        : isEmpty
          ? "It is empty. An admin adds products; cargo xtask up --demo fills it."
          : "The first product will do.",
      isDone: Boolean(product),
    },
    {
      does: button("Place an order", Boolean(account && product), () => order(product)),
      says: placed ? `${placed.number}, ${placed.totalAmount} ${placed.currency} to be paid` : "It holds the product for a while.",
      isDone: Boolean(placed),
    },
    {
      does: pay
        ? h("a", { href: pay, target: "_blank", rel: "noopener" }, "Pay")
        : button("Pay", false),
      says: pay ? "On the page of the payment provider, in a tab of its own. Come back then." : "Where customers pay.",
      isDone: Boolean(placed) && seen?.id === placed.id && seen.paid,
    },
    {
      does: button("Read the order", Boolean(placed), () => read(placed)),
      says: placed && seen?.id === placed.id
        ? `${seen.items.map(titleOf).join("; ")}: it is ${seen.status}.`
        : "It is PAID, with a receipt.",
      isDone: Boolean(placed) && seen?.id === placed.id && seen.paid,
    },
  ];

  function Walk() {
    const told = React.useSyncExternalStore(purchase.subscribe, () => purchase.told);
    const items = steps(told).map(({ does, says, isDone }, index) =>
      h("li", { key: index, className: isDone ? "done" : undefined }, does, h("span", null, says)),
    );
    return h(
      "section",
      { className: "walk", "aria-labelledby": "walk" },
      h("h2", { id: "walk" }, "A first purchase"),
      h("p", null, "Each step opens its operation below, with all values filled in: press Execute, and come back for the next one."),
      h("ol", { "aria-live": "polite" }, items),
    );
  }

  const withWalk = (Original) => (props) => h(React.Fragment, null, h(Original, props), h(Walk));

  return { wrapComponents: { InfoContainer: withWalk } };
}

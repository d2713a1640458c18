// What Swagger UI does not do by itself: search over all operations, errors folded away, no padlock where none is needed, and
// names for everything that people without eyes or a mouse use.
"use strict";

/** A search over path, words and name of every operation; the stock filter compares the names of tags. */
function searchPlugin({ React }) {
  const h = React.createElement;

  const said = (tag, entry) => {
    const operation = entry.get("operation");
    const texts = ["summary", "description", "operationId"].map((name) => operation.get(name) ?? "");
    return [tag, entry.get("method"), entry.get("path"), ...texts].join(" ").toLowerCase();
  };

  /** The operations of which every word is said. */
  const opsFilter = (tags, phrase) => {
    const words = phrase.toLowerCase().split(/\s+/);
    const fits = (tag) => (entry) => words.every((word) => said(tag, entry).includes(word));
    return tags
      .map((group, tag) => group.update("operations", (entries) => entries.filter(fits(tag))))
      .filter((group) => group.get("operations").size > 0);
  };

  function Search({ layoutActions, layoutSelectors, specSelectors }) {
    const filter = layoutSelectors.currentFilter();
    const phrase = typeof filter === "string" ? filter : "";
    const found = specSelectors.taggedOperations().reduce((sum, group) => sum + group.get("operations").size, 0);
    return h(
      "search",
      { className: "filter-container wrapper" },
      h("label", { htmlFor: "search" }, "Search the operations"),
      h("input", {
        id: "search",
        type: "search",
        autoComplete: "off",
        placeholder: "refund, /orders, stock …",
        value: phrase,
        onChange: (event) => layoutActions.updateFilter(event.target.value),
      }),
      h("span", { role: "status" }, phrase === "" ? "" : found === 1 ? "1 operation" : `${found} operations`),
    );
  }

  /** Where nothing is found, Swagger UI would say that there are no operations at all. */
  const found = (Original) =>
    function Found(props) {
      return props.specSelectors.taggedOperations().size > 0
        ? h(Original, props)
        : h("p", { className: "wrapper" }, "No operation has all of these words.");
    };

  return {
    fn: { opsFilter },
    components: { FilterContainer: Search },
    wrapComponents: { operations: found },
  };
}

/** Answers from 400 on are a line that opens on a click. */
function foldedErrorsPlugin({ React }) {
  const h = React.createElement;

  /** The kinds of problems that an answer may be. */
  const kinds = (response) => {
    const examples = response.getIn(["content", "application/problem+json", "examples"]);
    return examples ? examples.keySeq().toArray() : [];
  };

  const folded = (Original) =>
    function Response(props) {
      const [isOpen, setOpen] = React.useState(false);
      if (Number(props.code) < 400) {
        return h(Original, props);
      }
      const line = h(
        "tr",
        { className: "fold" },
        h("td", { className: "response-col_status" }, props.code),
        h(
          "td",
          { colSpan: 2 },
          h(
            "button",
            { type: "button", "aria-expanded": isOpen, onClick: () => setOpen(!isOpen) },
            kinds(props.response).join(", "),
          ),
        ),
      );
      return h(React.Fragment, null, line, isOpen ? h(Original, props) : null);
    };

  return { wrapComponents: { response: folded } };
}

/** An operation that takes a token, and needs none, has no padlock. */
function padlockPlugin({ React }) {
  const open = (Original) =>
    function OperationSummary(props) {
      const security = props.operationProps.get("security");
      const isOptional = security?.some((requirement) => requirement.isEmpty());
      const operationProps = isOptional ? props.operationProps.delete("security") : props.operationProps;
      return React.createElement(Original, { ...props, operationProps });
    };

  return { wrapComponents: { OperationSummary: open } };
}

/** Names for what Swagger UI leaves without one, and ways in for people without a mouse. */
function accessibilityPlugin({ React }) {
  const h = React.createElement;

  /** The same component; what it has drawn is then mended. */
  const mended = (mend) => (Original) =>
    function Mended(props) {
      const place = React.useRef(null);
      React.useEffect(() => mend(place.current));
      return h("div", { className: "mended", ref: place }, h(Original, props));
    };

  const nameCopyButton = (place) => {
    place.querySelector(".copy-to-clipboard > button")?.setAttribute("aria-label", "Copy to clipboard");
    for (const text of place.querySelectorAll("pre")) {
      text.setAttribute("tabindex", "0");
    }
  };

  const nameBody = (place) => place.querySelector("textarea")?.setAttribute("aria-label", "Request body");

  const nameExamples = (place) => place.querySelector("select")?.setAttribute("aria-label", "Example");

  return {
    components: {
      // A link inside of a button cannot be reached; the button does the same.
      DeepLink: ({ text }) => h("span", null, text),
      // Lists of ids are looked for under this name.
      JsonSchema_string_uuid: (props) => h(props.getComponent("JsonSchema_string"), props),
    },
    wrapComponents: {
      ExamplesSelect: mended(nameExamples),
      HighlightCode: mended(nameCopyButton),
      RequestBodyEditor: mended(nameBody),
      curl: mended(nameCopyButton),
    },
  };
}

// Shows the document of this very shop. Nothing is asked of any other host: there is no validator, and what is typed
// under Authorize stays in this browser.
"use strict";

const dark = window.matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

window.ui = SwaggerUIBundle({
  dom_id: "#docs",
  // As a whole: against it, links to the guide are resolved.
  url: new URL("/api/docs/openapi.json", document.baseURI).href,
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  filter: true,
  persistAuthorization: true,
  plugins: [searchPlugin, foldedErrorsPlugin, padlockPlugin, accessibilityPlugin, walkPlugin],
  responseInterceptor: learn,
  tryItOutEnabled: true,
  validatorUrl: null,
});

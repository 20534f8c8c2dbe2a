// An API reference: Swagger UI with the document that the page names, and with the reader's token filled in, if the page
// has one. The token is kept in memory only.
"use strict";
const main = document.getElementById("reference");
const ui = SwaggerUIBundle({
  url: main.dataset.document,
  dom_id: "#reference",
  deepLinking: true,
  persistAuthorization: false,
  validatorUrl: null,
  displayRequestDuration: true,
  defaultModelsExpandDepth: -1,
  onComplete: () => {
    const token = document.getElementById("bearer-token")?.value;
    const schemes = ui.specSelectors.securityDefinitions();
    if (!schemes || !token) return;
    schemes.forEach((scheme, name) => {
      if (scheme.get("type") === "http" && scheme.get("scheme") === "bearer") ui.preauthorizeApiKey(name, token);
    });
  },
});

// The API reference: Swagger UI with the reader's token filled in. The token is read from the page
// and kept in memory only.
"use strict";
const ui = SwaggerUIBundle({
  url: "/api-docs/openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  persistAuthorization: false,
  validatorUrl: null,
  displayRequestDuration: true,
  defaultModelsExpandDepth: -1,
  onComplete: () => {
    const token = document.getElementById("bearer-token").value;
    const schemes = ui.specSelectors.securityDefinitions();
    if (!schemes) return;
    schemes.forEach((scheme, name) => {
      if (scheme.get("type") === "http" && scheme.get("scheme") === "bearer") ui.preauthorizeApiKey(name, token);
    });
  },
});

// The reference of this process's own document. Nothing is asked of any other host: no validator, no fonts.
window.ui = SwaggerUIBundle({
  url: "/api/openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  docExpansion: "none",
  filter: true,
  persistAuthorization: false,
  showExtensions: true,
  validatorUrl: null,
});

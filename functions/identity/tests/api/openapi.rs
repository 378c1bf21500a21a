use super::app;

#[tokio::test]
async fn every_operation_documents_permissions_and_refusals() {
    let document = serde_json::to_value(app().await.document()).unwrap();
    let mut operations = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            operations += 1;
            assert!(operation["x-permission"].is_string(), "{method} {path}");
            assert!(operation["responses"]["503"].is_object(), "{method} {path}");
        }
    }
    assert_eq!(operations, 70);
    let refusals = |path: &str, method: &str, status: &str| {
        let operation = &document["paths"][path][method];
        assert!(operation["responses"][status].is_object());
        operation["x-problems"].to_string()
    };
    assert!(refusals("/api/v1/auth/login", "post", "401").contains("\"invalid_credentials\""));
    assert!(refusals("/api/v1/users", "post", "409").contains("\"seats_exhausted\""));
    assert!(refusals("/api/v1/users/{id}", "patch", "409").contains("\"last_admin\""));
    assert!(document["paths"]["/.well-known/jwks.json"]["get"].is_object());
    let optional = &document["paths"]["/api/v1/auth/refresh"]["post"]["requestBody"]["required"];
    assert!(optional.is_null() || optional == false, "{optional}");
}

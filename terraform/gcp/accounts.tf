# A service account for each function. Cloud Run lets it write logs and metrics; everything else is granted next to
# the resource.
resource "google_service_account" "function" {
  for_each = local.functions

  account_id   = module.names.accounts[each.key]
  display_name = "Function ${each.key}"
  description  = each.value.about

  depends_on = [google_project_service.this]
}

# An account for each function alone. It may write logs and metrics by Cloud Run's own doing; everything else is granted beside
# the thing it is for.
resource "google_service_account" "function" {
  for_each = local.functions

  account_id   = module.names.accounts[each.key]
  display_name = "Function ${each.key}"
  description  = each.value.about

  depends_on = [google_project_service.this]
}

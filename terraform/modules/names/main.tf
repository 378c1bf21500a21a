# Names of all resources. In one place, because service accounts have stricter limits than services.

locals {
  # The migration job creates rvz_<function>_login in the database; its name is fixed.
  services = { for function in var.functions : function => "${var.prefix}-${function}" }
  # Accounts of the platform, in addition to those of the functions.
  helpers  = { for helper in ["push", "scheduler", "build", "migrate", "smoke"] : helper => "${var.prefix}-${helper}" }
  accounts = merge(local.helpers, local.services)
  long     = [for account in values(local.accounts) : account if length(account) > 30]
  clashes  = setintersection(keys(local.helpers), var.functions)
}

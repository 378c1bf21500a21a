# How everything is called. One place, because accounts have limits that services do not.

locals {
  # rvz_<function>_login in the database is not ours to choose: the migrate job makes it.
  services = { for function in var.functions : function => "${var.prefix}-${function}" }
  # The platform's own accounts beside the functions'.
  helpers  = { for helper in ["push", "scheduler", "build", "migrate", "smoke"] : helper => "${var.prefix}-${helper}" }
  accounts = merge(local.helpers, local.services)
  long     = [for account in values(local.accounts) : account if length(account) > 30]
  clashes  = setintersection(keys(local.helpers), var.functions)
}

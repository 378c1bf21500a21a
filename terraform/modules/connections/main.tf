# The connection budget: all instances together stay below max_connections, also while a roll-out
# runs two revisions of a function side by side. Functions are rolled out one after the other, so the largest counts twice.

locals {
  by_function = { for name, one in var.functions : name => one.instances * one.pool }
  functions   = sum(concat([0], values(local.by_function)))
  roll_out    = max(concat([0], values(local.by_function))...)
  jobs        = sum(concat([0], values(var.jobs)))
  needed      = local.functions + local.roll_out + local.jobs + var.reserved
}

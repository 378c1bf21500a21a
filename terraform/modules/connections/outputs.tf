output "budget" {
  description = "The sum and its parts."
  value = {
    functions       = local.by_function
    roll_out        = local.roll_out
    jobs            = local.jobs
    reserved        = var.reserved
    needed          = local.needed
    max_connections = var.max_connections
  }

  precondition {
    condition     = local.needed <= var.max_connections
    error_message = "The functions could open more connections than max_connections allows: ${local.functions} of all functions, ${local.roll_out} more during a roll-out, ${local.jobs} of jobs, ${var.reserved} reserved make ${local.needed}, and max_connections is ${var.max_connections}. Fewer instances, smaller pools, or a larger database."
  }
}

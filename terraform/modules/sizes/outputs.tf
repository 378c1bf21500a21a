output "sizes" {
  description = "Size of each function."
  value       = local.sizes

  precondition {
    condition     = length(local.unknown) == 0
    error_message = "Unknown function: ${join(", ", local.unknown)}."
  }
  precondition {
    condition     = length(local.inverted) == 0
    error_message = "Minimum of instances above the maximum: ${join(", ", local.inverted)}."
  }
}

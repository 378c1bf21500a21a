output "sizes" {
  description = "Function to its size."
  value       = local.sizes

  precondition {
    condition     = length(local.unknown) == 0
    error_message = "There is no function ${join(", ", local.unknown)}."
  }
  precondition {
    condition     = length(local.inverted) == 0
    error_message = "More instances at least than at most: ${join(", ", local.inverted)}."
  }
}

variable "prefix" {
  description = "Prefix of every resource name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,13}[a-z0-9]$", var.prefix))
    error_message = "3 to 15 lower-case letters, digits and hyphens, starting with a letter."
  }
}

variable "functions" {
  description = "Names of the functions."
  type        = set(string)
}

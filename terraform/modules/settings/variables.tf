variable "functions" {
  description = "Names of the settings that each function reads."
  type        = map(list(string))
}

variable "values" {
  description = "Value of each setting, for every function that reads it. Null: no value."
  type        = map(string)
}

variable "own_values" {
  description = "Values that differ by function."
  type        = map(map(string))
  default     = {}
}

variable "secrets" {
  description = "Settings with a secret shared by all functions, and its name."
  type        = map(string)
  default     = {}
}

variable "own_secrets" {
  description = "Settings with a secret per function, and the suffix of its name."
  type        = map(string)
  default     = {}
}

variable "secret_settings" {
  description = "Settings that must not be plain values."
  type        = set(string)
  default     = []
}

variable "extra" {
  description = "Settings chosen by the operator; checked, because no function would read a misspelt one."
  type        = set(string)
  default     = []
}

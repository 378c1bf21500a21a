variable "functions" {
  description = "Function to the names of the settings that it reads."
  type        = map(list(string))
}

variable "values" {
  description = "Setting to value, for every function that reads it. Null: no value here."
  type        = map(string)
}

variable "own_values" {
  description = "Function to setting to value, where it differs by function."
  type        = map(map(string))
  default     = {}
}

variable "secrets" {
  description = "Setting to the secret that all functions share."
  type        = map(string)
  default     = {}
}

variable "own_secrets" {
  description = "Setting to the ending of a secret that every function has for itself."
  type        = map(string)
  default     = {}
}

variable "secret_settings" {
  description = "Settings that must not be plain values."
  type        = set(string)
  default     = []
}

variable "extra" {
  description = "Settings that the operator chose: a misspelt one would be told to nobody, and nobody would notice."
  type        = set(string)
  default     = []
}

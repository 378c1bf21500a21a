variable "prefix" {
  description = "Begins every name."
  type        = string
}

variable "region" {
  description = "The only place where the values are kept."
  type        = string
}

variable "secrets" {
  description = "Secret to the names of the accounts that may read it."
  type        = map(set(string))
}

variable "accounts" {
  description = "Name to the address of its service account."
  type        = map(string)
}

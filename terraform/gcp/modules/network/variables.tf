variable "prefix" {
  description = "Begins every name."
  type        = string
}

variable "region" {
  description = "Where the functions run."
  type        = string
}

variable "functions_range" {
  description = "Addresses of function instances; /24 is enough for about 60 instances."
  type        = string
}

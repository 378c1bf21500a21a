variable "prefix" {
  description = "Name of the key ring."
  type        = string
}

variable "project" {
  description = "Id of the project."
  type        = string
}

variable "project_number" {
  description = "Its number: part of the address of Cloud Storage's agent."
  type        = string
}

variable "region" {
  description = "Where objects and their key are kept."
  type        = string
}

variable "bucket" {
  description = "Name of the bucket; one in the world."
  type        = string
}

variable "noncurrent_days" {
  description = "Days for which what was overwritten or deleted can be had back."
  type        = number
}

variable "origins" {
  description = "Origins of pages that upload directly."
  type        = list(string)
}

variable "users" {
  description = "Function that keeps objects to the address of its account."
  type        = map(string)
}

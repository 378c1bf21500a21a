variable "prefix" {
  description = "Begins every name."
  type        = string
}

variable "project_number" {
  description = "Number of the project: part of the address of Pub/Sub's agent."
  type        = string
}

variable "regions" {
  description = "Messages are kept here and nowhere else."
  type        = list(string)
}

variable "listeners" {
  description = "Function that listens to its address."
  type        = map(object({ url = string }))
}

variable "relay_url" {
  description = "Address of the relay."
  type        = string
}

variable "relay_account" {
  description = "Address of the relay's account."
  type        = string
}

variable "push_account" {
  description = "Id of the account that pushes are made with."
  type        = string
}

variable "audience" {
  description = "Whom the tokens of pushes are for."
  type        = string
}

variable "max_delivery_attempts" {
  description = "Tries before an event is a dead letter; with waits of up to 10 minutes between them."
  type        = number
}

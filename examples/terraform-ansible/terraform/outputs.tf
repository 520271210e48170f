output "instance_ip" {
  description = "The machine's address."
  value       = local.address
}

output "ssh_host_key" {
  description = "The key that the machine shows, known before it boots."
  value       = local.host_key
}

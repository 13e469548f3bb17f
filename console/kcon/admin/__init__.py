"""The admin client. Import `kcon.admin.client.Admin` and `kcon.admin.settings.AdminSettings`."""

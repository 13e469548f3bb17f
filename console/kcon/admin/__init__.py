"""The admin client. Import `kcon.admin.client.Admin` and `kcon.admin.settings.AdminSettings`.

Without an event loop: `kcon.admin.blocking.BlockingAdmin`.
"""

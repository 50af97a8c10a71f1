"""What new code of the shop calls: routers of `/api/v1`. They parse and present; the API object and its errors are bonusportal.api's.

Imported with the first call that needs it: django-ninja and pydantic cost a cold start as much as all else that the drop-in paths need.
"""

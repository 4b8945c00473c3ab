"""Properties and permissions of the directory as Graph documents them."""

import re
from typing import Final

from local.cloud.wire import words

USER: Final = "#microsoft.graph.user"
GROUP: Final = "#microsoft.graph.group"
DEVICE: Final = "#microsoft.graph.device"
SERVICE_PRINCIPAL: Final = "#microsoft.graph.servicePrincipal"
CASTS: Final = {
    "microsoft.graph.user": USER,
    "microsoft.graph.group": GROUP,
    "microsoft.graph.device": DEVICE,
    "microsoft.graph.servicePrincipal": SERVICE_PRINCIPAL,
}

USER_DEFAULT: Final = (
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
)
USER_MORE: Final = words(
    "accountEnabled ageGroup assignedLicenses assignedPlans city companyName consentProvidedForMinor country "
    "createdDateTime creationType deletedDateTime department employeeHireDate employeeId employeeLeaveDateTime "
    "employeeOrgData employeeType externalUserState externalUserStateChangeDateTime faxNumber identities "
    "imAddresses isResourceAccount lastPasswordChangeDateTime legalAgeGroupClassification "
    "licenseAssignmentStates mailNickname onPremisesDistinguishedName onPremisesDomainName "
    "onPremisesExtensionAttributes onPremisesImmutableId onPremisesLastSyncDateTime "
    "onPremisesProvisioningErrors onPremisesSamAccountName onPremisesSecurityIdentifier onPremisesSyncEnabled "
    "onPremisesUserPrincipalName otherMails passwordPolicies postalCode preferredDataLocation provisionedPlans "
    "proxyAddresses securityIdentifier showInAddressList signInSessionsValidFromDateTime state streetAddress "
    "usageLocation userType"
)
# Held outside Entra's main store: never in delta, and a list that selects them is refused.
USER_OUTSIDE: Final = frozenset(
    words(
        "aboutMe birthday hireDate interests mailboxSettings mySite pastProjects photo preferredName "
        "responsibilities schools signInActivity skills"
    )
)
GROUP_DEFAULT: Final = words(
    "classification createdDateTime creationOptions deletedDateTime description displayName expirationDateTime "
    "groupTypes isAssignableToRole mail mailEnabled mailNickname membershipRule membershipRuleProcessingState "
    "onPremisesDomainName onPremisesLastSyncDateTime onPremisesNetBiosName onPremisesProvisioningErrors "
    "onPremisesSamAccountName onPremisesSecurityIdentifier onPremisesSyncEnabled preferredDataLocation "
    "preferredLanguage proxyAddresses renewedDateTime resourceBehaviorOptions resourceProvisioningOptions "
    "securityEnabled securityIdentifier theme uniqueName visibility"
)
EXTENSION_ATTRIBUTES: Final = tuple(f"extensionAttribute{number}" for number in range(1, 16))
# A directory extension: the application id without dashes, then the name it gave. Only on users here.
EXTENSION: Final = re.compile(r"extension_[0-9a-f]{32}_\w+", re.IGNORECASE)
PROPERTIES: Final = {
    "users": frozenset((*USER_DEFAULT, *USER_MORE, "id")),
    "groups": frozenset((*GROUP_DEFAULT, "id")),
}
BY_LOWER_CASE: Final = {feed: {name.lower(): name for name in names} for feed, names in PROPERTIES.items()}
# Collections: an unset one reads as [] in lists, and as nothing in delta.
COLLECTIONS: Final = frozenset(
    words(
        "assignedLicenses assignedPlans businessPhones groupTypes identities imAddresses licenseAssignmentStates "
        "onPremisesProvisioningErrors otherMails provisionedPlans proxyAddresses"
    )
)
DEFAULTS: Final = {"users": USER_DEFAULT, "groups": GROUP_DEFAULT}
RELATIONS: Final = {"users": frozenset({"manager"}), "groups": frozenset({"members", "owners"})}
TYPES: Final = {"users": "microsoft.graph.user", "groups": "microsoft.graph.group"}

LEAVE_DATE: Final = "employeeLeaveDateTime"
LEAVE_DATE_ROLE: Final = "User-LifeCycleInfo.Read.All"
HIDDEN_MEMBERS_ROLE: Final = "Member.Read.Hidden"

READ_USERS: Final = frozenset({"User.Read.All", "Directory.Read.All"})
READ_GROUPS: Final = frozenset({"GroupMember.Read.All", "Group.Read.All", "Directory.Read.All"})
READ_DIRECTORY: Final = frozenset({"Directory.Read.All"})
READ_ORGANIZATION: Final = frozenset({"Organization.Read.All", "Directory.Read.All"})
READ_DELETED_GROUPS: Final = frozenset({"Group.Read.All", "Directory.Read.All"})

# What the consent page says each permission lets the application do.
PERMISSIONS: Final = {
    "User.Read.All": "Read all users' full profiles",
    "GroupMember.Read.All": "Read all group memberships",
    "Group.Read.All": "Read all groups",
    "Directory.Read.All": "Read directory data",
    "Organization.Read.All": "Read organization information",
    "Member.Read.Hidden": "Read all hidden memberships",
    "User-LifeCycleInfo.Read.All": "Read all users' lifecycle information (hire and leave dates)",
    "AuditLog.Read.All": "Read all audit log data",
}

GLOBAL_ADMINISTRATOR: Final = "62e90394-69f5-4237-9190-012177145e10"
PRIVILEGED_ROLE_ADMINISTRATOR: Final = "e8611ab8-c189-46e8-94e1-60213ab1f814"
APPLICATION_ADMINISTRATOR: Final = "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3"
USER_ADMINISTRATOR: Final = "fe930be7-5e62-47db-91af-98c3a49a38b1"
ROLES: Final = {
    GLOBAL_ADMINISTRATOR: "Global Administrator",
    PRIVILEGED_ROLE_ADMINISTRATOR: "Privileged Role Administrator",
    APPLICATION_ADMINISTRATOR: "Application Administrator",
    USER_ADMINISTRATOR: "User Administrator",
}
MAY_CONSENT: Final = frozenset({GLOBAL_ADMINISTRATOR, PRIVILEGED_ROLE_ADMINISTRATOR})

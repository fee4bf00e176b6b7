"""What EC2 answers to DescribeInstances: XML with all that it says of an instance, about 5 KB each."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final
from xml.sax.saxutils import escape

_NAMESPACE: Final = "http://ec2.amazonaws.com/doc/2016-11-15/"
_TAGS: Final = {
    "elasticbeanstalk:environment-name": "shop-workers",
    "aws:cloudformation:stack-name": "awseb-e-0123456789-stack",
    "aws:cloudformation:logical-id": "AWSEBAutoScalingGroup",
    "aws:cloudformation:stack-id": "arn:aws:cloudformation:us-east-1:111122223333:stack/awseb-e-0123456789-stack/"
    "0a1b2c3d-0000-1111-2222-333344445555",
    "aws:autoscaling:groupName": "awseb-e-0123456789-stack-AWSEBAutoScalingGroup-0A1B2C3D4E5F",
    "aws:ec2launchtemplate:id": "lt-0a1b2c3d4e5f60718",
    "aws:ec2launchtemplate:version": "7",
    "team": "backups",
    "cost-center": "4711",
}
_LARGE: Final = """<privateDnsName>ip-10-0-{b}-{c}.ec2.internal</privateDnsName><dnsName>\
ec2-3-80-{b}-{c}.compute-1.amazonaws.com</dnsName><reason/><keyName>workers</keyName><amiLaunchIndex>0</amiLaunchIndex>\
<productCodes/><imageId>ami-0a1b2c3d4e5f60718</imageId><placement><availabilityZone>us-east-1a</availabilityZone>\
<availabilityZoneId>use1-az1</availabilityZoneId><groupName/><tenancy>default</tenancy></placement><monitoring>\
<state>enabled</state></monitoring><subnetId>subnet-0a1b2c3d4e5f60718</subnetId><vpcId>vpc-0a1b2c3d4e5f60718</vpcId>\
<privateIpAddress>10.0.{b}.{c}</privateIpAddress><ipAddress>3.80.{b}.{c}</ipAddress><sourceDestCheck>true\
</sourceDestCheck><groupSet><item><groupId>sg-0a1b2c3d4e5f60718</groupId><groupName>awseb-e-0123456789-stack-\
AWSEBSecurityGroup</groupName></item><item><groupId>sg-1a1b2c3d4e5f60718</groupId><groupName>workers</groupName>\
</item></groupSet><architecture>x86_64</architecture><rootDeviceType>ebs</rootDeviceType><rootDeviceName>/dev/xvda\
</rootDeviceName><blockDeviceMapping><item><deviceName>/dev/xvda</deviceName><ebs><volumeId>vol-0{crc:08x}4e5f60718\
</volumeId><status>attached</status><attachTime>{launched}</attachTime><deleteOnTermination>true</deleteOnTermination>\
</ebs></item></blockDeviceMapping><virtualizationType>hvm</virtualizationType><clientToken>0a1b2c3d-0000-1111-2222-\
{crc:012x}</clientToken><hypervisor>xen</hypervisor><networkInterfaceSet><item><networkInterfaceId>eni-0{crc:08x}4e5f607\
</networkInterfaceId><subnetId>subnet-0a1b2c3d4e5f60718</subnetId><vpcId>vpc-0a1b2c3d4e5f60718</vpcId><description/>\
<ownerId>111122223333</ownerId><status>in-use</status><macAddress>0a:1b:2c:3d:4e:5f</macAddress><privateIpAddress>\
10.0.{b}.{c}</privateIpAddress><privateDnsName>ip-10-0-{b}-{c}.ec2.internal</privateDnsName><sourceDestCheck>true\
</sourceDestCheck><groupSet><item><groupId>sg-0a1b2c3d4e5f60718</groupId><groupName>awseb-e-0123456789-stack-\
AWSEBSecurityGroup</groupName></item><item><groupId>sg-1a1b2c3d4e5f60718</groupId><groupName>workers</groupName></item>\
</groupSet><attachment><attachmentId>eni-attach-0{crc:08x}4e5f607</attachmentId><deviceIndex>0</deviceIndex><status>\
attached</status><attachTime>{launched}</attachTime><deleteOnTermination>true</deleteOnTermination><networkCardIndex>0\
</networkCardIndex></attachment><association><publicIp>3.80.{b}.{c}</publicIp><publicDnsName>\
ec2-3-80-{b}-{c}.compute-1.amazonaws.com</publicDnsName><ipOwnerId>amazon</ipOwnerId></association>\
<privateIpAddressesSet><item><privateIpAddress>10.0.{b}.{c}</privateIpAddress><privateDnsName>ip-10-0-{b}-{c}.ec2.\
internal</privateDnsName><primary>true</primary></item></privateIpAddressesSet><ipv6AddressesSet/><interfaceType>\
interface</interfaceType><operator><managed>false</managed></operator></item></networkInterfaceSet><iamInstanceProfile>\
<arn>arn:aws:iam::111122223333:instance-profile/aws-elasticbeanstalk-ec2-role</arn><id>AIPA0123456789ABCDEFG</id>\
</iamInstanceProfile><ebsOptimized>false</ebsOptimized><enaSupport>true</enaSupport><cpuOptions><coreCount>1</coreCount>\
<threadsPerCore>2</threadsPerCore></cpuOptions><capacityReservationSpecification><capacityReservationPreference>open\
</capacityReservationPreference></capacityReservationSpecification><hibernationOptions><configured>false</configured>\
</hibernationOptions><enclaveOptions><enabled>false</enabled></enclaveOptions><metadataOptions><state>applied</state>\
<httpTokens>required</httpTokens><httpPutResponseHopLimit>2</httpPutResponseHopLimit><httpEndpoint>enabled\
</httpEndpoint><httpProtocolIpv6>disabled</httpProtocolIpv6><instanceMetadataTags>disabled</instanceMetadataTags>\
</metadataOptions><maintenanceOptions><autoRecovery>default</autoRecovery></maintenanceOptions><currentInstanceBootMode>\
legacy-bios</currentInstanceBootMode><platformDetails>Linux/UNIX</platformDetails><usageOperation>RunInstances\
</usageOperation><usageOperationUpdateTime>{launched}</usageOperationUpdateTime><privateDnsNameOptions><hostnameType>\
ip-name</hostnameType><enableResourceNameDnsARecord>false</enableResourceNameDnsARecord>\
<enableResourceNameDnsAAAARecord>false</enableResourceNameDnsAAAARecord></privateDnsNameOptions>"""


def describe_instances(value: Mapping[str, Any], *, large: bool) -> bytes:
    """The answer's body; `value` is it in botocore's words, with an instance's id, type, launch, state and tags."""
    rows = [_reservation(*_known(row["Instances"][0]), large) for row in value["Reservations"]]
    token = f"<nextToken>{escape(value['NextToken'])}</nextToken>" if "NextToken" in value else ""
    reservations = f"<reservationSet>{''.join(rows)}</reservationSet>"
    name = "DescribeInstancesResponse"
    return f'<{name} xmlns="{_NAMESPACE}"><requestId>r</requestId>{reservations}{token}</{name}>'.encode()


def _known(instance: Mapping[str, Any]) -> tuple[str, float, int, str, tuple[tuple[str, str], ...]]:
    tags = tuple((tag["Key"], tag["Value"]) for tag in instance["Tags"])
    state = instance["State"]
    return instance["InstanceId"], instance["LaunchTime"], state["Code"], state["Name"], tags


@lru_cache(maxsize=100_000)
def _reservation(
    instance: str, launch: float, code: int, state: str, tags: tuple[tuple[str, str], ...], large: bool
) -> str:
    launched = datetime.fromtimestamp(launch, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    crc = zlib.crc32(instance.encode())
    details = _LARGE.format(launched=launched, crc=crc, b=crc % 250, c=crc // 250 % 250) if large else ""
    pairs = (*tags, *(_TAGS.items() if large else ()))
    listed = "".join(f"<item><key>{escape(k)}</key><value>{escape(v)}</value></item>" for k, v in pairs)
    return (
        f"<item><reservationId>r-0{crc:08x}</reservationId><ownerId>111122223333</ownerId><groupSet/><instancesSet><item>"
        f"<instanceId>{instance}</instanceId><instanceState><code>{code}</code><name>{state}</name></instanceState>"
        f"<instanceType>t3.small</instanceType><launchTime>{launched}</launchTime>{details}<tagSet>{listed}</tagSet>"
        "</item></instancesSet></item>"
    )

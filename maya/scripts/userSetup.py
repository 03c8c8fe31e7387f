# Maya runs the userSetup.py of each folder of its script path when it starts:
# https://help.autodesk.com/cloudhelp/2024/ENU/Maya-Scripting/files/GUID-C0F27A50-3DD6-454C-A4D1-9E3C44B3C990.htm
import conductor_entry

conductor_entry.start()

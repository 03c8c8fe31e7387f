# Maya runs the userSetup.py of each folder of its script path when it starts:
# https://help.autodesk.com/cloudhelp/2027/ENU/Maya-Scripting/files/GUID-640C1383-3FB8-410F-AE18-987A812B5914.htm
import conductor_entry

conductor_entry.start()
